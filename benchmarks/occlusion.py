"""What exact occlusion takes on one thread, beside captum and the best loop over whole crops that we can write.

One crop of a simulated mosaic, the paper's network at full resolution with the weights of the first bundled network,
7 × 7 px, stride 7: 3072 places. Ours is timed for the whole map and all five capacities; captum (for one capacity) and
the loop (for all) for some places, in fresh processes with the allocator as found, each at the number of crops per
pass at which it is fastest; the rest of their map is worked out from that. The last line is one JSON object:
speedup_over_captum, speedup_over_dense, speedup_over_dense_with_kept_blocks (the loop with ratescope's allocator),
seconds_3072, seconds_stride_2 (36,740 places, worked out from a fifth of the rows), relative_error_float64 and
relative_error_float32 (largest difference from a float64 loop over whole crops, over the largest effect among those
places: corners, edges and others, the worst of the bundled networks), peak_mib, timed_places (of theirs).
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import torch

from mosaic import paper_mosaic
from ratescope.attribution.occlusion import occlude
from ratescope.imaging.prepare import prepare_file
from ratescope.model import read_model
from ratescope.network.allocator import keep_large_blocks
from ratescope.network.architecture import RateNetwork
from ratescope.settings import PrepareSettings

SIZE, STRIDE = 7, 7
PLACES = 32 * 96
PLACES_STRIDE_2 = 110 * 334
TIMED = 24  # of theirs
AT_ONCE = (1, 2, 4, 8)  # crops per pass that are tried for theirs
CHECKED = [(0, 0), (0, 95), (31, 0), (31, 95), (0, 40), (31, 41), (13, 0), (14, 95), (7, 22), (16, 47), (21, 66)]


def setting() -> tuple[RateNetwork, np.ndarray, tuple[float, float, float]]:
    """The paper's network with learned weights, a crop, and the colour of the square."""
    crop = prepare_file(paper_mosaic(), PrepareSettings()).crops[0]
    ensemble = read_model(None)["specific"]
    learned = ensemble.networks[0]
    network = RateNetwork(type(learned.settings)()).eval()  # the bundled ones average their input first
    network.load_state_dict(learned.state_dict())
    return network, crop, ensemble.card.mean_colour


def as_pixels(crop: np.ndarray, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.from_numpy(crop).permute(2, 0, 1)[None].to(dtype, memory_format=torch.channels_last)


def ours() -> dict:
    network, crop, colour = setting()
    occlude(network, crop, colour, stride_px=56)
    start = time.perf_counter()
    occlude(network, crop, colour)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    places = occlude(network, crop[:48], colour, stride_px=2)[0].size
    return {
        "seconds": seconds,
        "seconds_stride_2": (time.perf_counter() - start) * PLACES_STRIDE_2 / places,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def fastest(run: Callable[[int], int]) -> dict:
    """Seconds per place at the best number of crops per pass; `run` says how many places it did."""
    seconds = {}
    for at_once in AT_ONCE:
        run(at_once)
        start = time.perf_counter()
        places = run(at_once)
        seconds[at_once] = (time.perf_counter() - start) / places
    best = min(seconds, key=seconds.__getitem__)
    return {"seconds_per_place": seconds[best], "crops_per_pass": best}


class Enough(Exception):  # noqa: N818  it is no error
    """As many places as were to be timed."""


def captum() -> dict:
    from captum.attr import Occlusion

    network, crop, colour = setting()
    pixels = as_pixels(crop)
    fill = torch.tensor(colour)[None, :, None, None].expand_as(pixels)

    def run(at_once: int) -> int:
        seen = 0

        def counted(crops: torch.Tensor) -> torch.Tensor:
            nonlocal seen
            seen += len(crops)
            if seen > TIMED + 1:  # the crop itself comes first
                raise Enough
            return network(crops)

        with suppress(Enough):
            Occlusion(counted).attribute(
                pixels,
                target=0,
                sliding_window_shapes=(3, SIZE, SIZE),
                strides=(3, STRIDE, STRIDE),
                baselines=fill,
                perturbations_per_eval=at_once,
            )
        return TIMED

    return fastest(run)


def dense() -> dict:
    network, crop, colour = setting()
    pixels = as_pixels(crop)
    places = [(STRIDE * row, STRIDE * column) for row in (3, 11, 19, 27) for column in range(5, 95, 16)]

    def run(at_once: int) -> int:
        with torch.inference_mode():
            network(pixels)
            for first in range(0, TIMED, at_once):
                occluded = hidden(pixels, colour, places[first : first + at_once])
                network(occluded)
        return TIMED

    return fastest(run)


def dense_with_kept_blocks() -> dict:
    keep_large_blocks()
    return dense()


def hidden(pixels: torch.Tensor, colour: tuple, places: list) -> torch.Tensor:
    """Copies of a crop, each with one square hidden."""
    copies = pixels.repeat(len(places), 1, 1, 1).contiguous(memory_format=torch.channels_last)
    fill = torch.tensor(colour, dtype=pixels.dtype)[:, None, None]
    for copy, (top, left) in zip(copies, places, strict=True):
        copy[:, top : top + SIZE, left : left + SIZE] = fill
    return copies


def errors() -> dict:
    """Largest differences of our maps from a float64 loop, over the largest effect, worst of the bundled networks."""
    _, crop, colour = setting()
    worst = {"float64": 0.0, "float32": 0.0}
    pixels = as_pixels(crop, torch.float64)
    rows, columns = zip(*CHECKED, strict=True)
    for network in (network for ensemble in read_model(None).values() for network in ensemble.networks):
        single = occlude(network, crop, colour)
        network.double()
        with torch.no_grad():
            whole = network(pixels)[0]
            squares = [(STRIDE * row, STRIDE * column) for row, column in CHECKED]
            lost = [whole - network(hidden(pixels, colour, [square]))[0] for square in squares]
        truth = torch.stack(lost, dim=1).numpy()
        for name, said in (("float64", occlude(network, crop, colour)), ("float32", single)):
            wrong = np.abs(said[:, rows, columns] - truth).max() / np.abs(truth).max()
            worst[name] = max(worst[name], float(wrong))
    return worst


RUNS = {run.__name__: run for run in (ours, captum, dense, dense_with_kept_blocks, errors)}


def in_fresh_process(which: str) -> dict:
    """What one of the runs tells."""
    done = subprocess.run([sys.executable, __file__, which], check=True, capture_output=True, text=True)
    print(which, done.stdout.splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    told = {name: in_fresh_process(name) for name in RUNS}
    seconds = told["ours"]["seconds"]
    theirs = {name: PLACES * told[name]["seconds_per_place"] for name in ("captum", "dense", "dense_with_kept_blocks")}
    result = {
        **{f"speedup_over_{name}": round(whole / seconds, 1) for name, whole in theirs.items()},
        "seconds_3072": round(seconds, 3),
        "seconds_stride_2": round(told["ours"]["seconds_stride_2"], 1),
        "relative_error_float64": told["errors"]["float64"],
        "relative_error_float32": told["errors"]["float32"],
        "peak_mib": round(told["ours"]["peak_mib"]),
        "timed_places": TIMED,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        torch.set_num_threads(1)
        print(json.dumps(RUNS[sys.argv[1]]()))
    else:
        main()
