"""What stands in the picture of an attribution: a picture leaves its folder, and must still say what it shows."""

from __future__ import annotations

from dataclasses import dataclass

from ratescope.units import CAPACITY_NAME, NETWORK_PIXEL_SIZE_UM, Capacity

METHOD_NAME = {"grad-ram": "Grad-RAM", "guided-backprop": "guided backpropagation", "occlusion": "occlusion"}

HOW_TO_READ = (
    "Red places raise the predicted capacity, blue ones lower it. One colour scale holds for all C-rates; it ends at "
    "the 99.5th percentile of the size of the influence. Beside each C-rate: lowest and highest influence. "
    "The bar shows each colour over pores (left) and over grains (right)."
)


@dataclass(frozen=True)
class MapCaption:
    """The words around a crop and its maps.

    Attributes
    ----------
    title : str
        Method and capacity.
    source : str
        Micrograph and section, and that the networks know simulated micrographs only where it is so.
    notes : tuple of str
        How the maps were made, how to read the colours, and what predicted.
    influence, per : str
        Name of the numbers on the colour bar, and what follows their unit.
    """

    title: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()
    influence: str = "influence"
    per: str = ""


def map_caption(
    method: str,
    capacity: Capacity,
    *,
    micrograph: str,
    section: int | None,
    model: str,
    learned_from: str,
    networks: int,
    simulated: bool,
    size_px: int = 7,
    stride_px: int = 7,
    layer: str | None = None,
    likeness: float | None = None,
) -> MapCaption:
    """Words for the maps of one section.

    Parameters
    ----------
    method : "grad-ram", "guided-backprop" or "occlusion"
    section : int or None
        None where the file is a crop itself.
    model, learned_from : str
        Phrases such as "the bundled ensemble" and "45 simulated micrographs of 5 electrodes".
    simulated : bool
        Whether the networks learned from simulated micrographs.
    size_px, stride_px : int
        Of the occluding square.
    layer : str, optional
        Of Grad-RAM, where it is not the last convolution.
    likeness : float, optional
        Rank correlation of the map's sizes with those of the same networks with random weights.

    Examples
    --------
    >>> caption = map_caption("occlusion", "specific", micrograph="a.tif", section=2, model="the run march",
    ...                       learned_from="9 micrographs of 3 electrodes", networks=3, simulated=False)
    >>> caption.title, caption.source
    ('Influence on the predicted specific capacity: occlusion', 'a.tif, section 2')
    """
    predicted = f"the mean of {networks} networks" if networks > 1 else "one network"
    seen = "; networks trained on SIMULATED micrographs" if simulated else ""
    return MapCaption(
        title=f"Influence on the predicted {CAPACITY_NAME[capacity]}: {METHOD_NAME[method]}",
        source=f"{micrograph}{'' if section is None else f', section {section}'}{seen}",
        notes=(
            _how_it_was_made(method, size_px, stride_px, layer) + _check_in_words(likeness),
            HOW_TO_READ,
            f"Model: {model}, {predicted}, learned from {learned_from}.",
        ),
        influence="influence" if method == "occlusion" else "relative influence",
        per=" per grey level" if method == "guided-backprop" else "",
    )


def _how_it_was_made(method: str, size_px: int, stride_px: int, layer: str | None) -> str:
    """One method in a sentence or two, with its caveat."""
    if method == "occlusion":
        size_um = size_px * NETWORK_PIXEL_SIZE_UM
        return (
            f"Occlusion: what the prediction loses where a square of {size_px} × {size_px} px ({size_um:.2g} µm wide, "
            f"moved in steps of {stride_px} px) is hidden under the mean colour of the training crops."
        )
    if method == "grad-ram":
        features = "the last convolution" if layer is None else f"the layer {layer}"
        return (
            f"Grad-RAM: the features of {features}, each weighed by how much it moves the prediction. "
            "Its cells are coarser than the crop. Compare sizes within this picture only."
        )
    return (
        "Guided backpropagation: how the prediction would change with the brightness of each pixel, along paths that "
        "raise it."
    )


def _check_in_words(likeness: float | None) -> str:
    """What the map is worth: how much of it networks show that learned nothing."""
    if likeness is None:
        return ""
    return (
        f" Check: the same networks with random weights rank the places alike to {likeness:.2f} (1: the same order; 0: "
        "no relation). What both show is the crop's, not what was learned."
    )
