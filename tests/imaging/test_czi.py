"""CZI files of Zeiss microscopes, written by hand as small as czifile reads them: no library writes them."""

import struct

import imagecodecs
import numpy as np
import pytest

from ratescope.errors import MicrographError
from ratescope.imaging.reading import read_micrograph

COLOUR = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
DEEP = (COLOUR[..., :1] * np.uint16(16)).astype(np.uint16)
SCALING = """<Scaling><Distance Id="X"> <Value>1.23e-07</Value></Distance>
<Distance Id="Y"><Value>%s</Value></Distance></Scaling>"""

PIXEL_TYPES = {("u1", 1): 0, ("u2", 1): 1, ("u1", 3): 3, ("u2", 3): 4}


def segment(kind: bytes, content: bytes) -> bytes:
    return struct.pack("<16sqq", kind, len(content), len(content)) + content


def directory_entry(pixels, place, *, position, compression=0, scene=0, shown=None):
    """Where a tile stands: (row, column, index); ``shown`` is the size that a smaller picture stands for."""
    rows, columns, channels = pixels.shape
    kind = PIXEL_TYPES[pixels.dtype.str[1:], channels]
    axes = [("X", place[1], columns), ("Y", place[0], rows), ("C", 0, 1), ("S", scene, 1), ("M", place[2], 1)]
    larger = dict(zip("YX", shown or (rows, columns), strict=True))
    entry = struct.pack("<2siqiiBB4si", b"DV", kind, position, 0, compression, 0, 0, b"", len(axes))
    for axis, start, size in axes:
        entry += struct.pack("<4siifi", axis.encode(), start, larger.get(axis, size), 0.0, size)
    return entry


def write_czi(path, tiles, xml="", encode=bytes, **options):
    """Tiles are (pixels of shape (rows, columns, channels) in RGB, (row, column, index), further options)."""
    header_size = 32 + 512
    body, entries = b"", []
    for pixels, place, more in tiles:
        stored = pixels[..., ::-1] if pixels.shape[2] == 3 else pixels  # blue first
        data = encode(np.ascontiguousarray(stored).tobytes())
        entry = directory_entry(pixels, place, position=header_size + len(body), **options, **more)
        part = struct.pack("<iiq", 0, 0, len(data)) + entry
        body += segment(b"ZISRAWSUBBLOCK", part + bytes(256 - len(part)) + data)
        entries.append(entry)
    directory_at = header_size + len(body)
    body += segment(b"ZISRAWDIRECTORY", struct.pack("<i124x", len(entries)) + b"".join(entries))
    metadata_at = header_size + len(body)
    body += segment(b"ZISRAWMETADATA", struct.pack("<ii248x", len(xml), 0) + xml.encode())
    guid = bytes(16)
    header = struct.pack("<iiii16s16siqqiq", 1, 0, 0, 0, guid, guid, 0, directory_at, metadata_at, 0, 0)
    path.write_bytes(segment(b"ZISRAWFILE", header.ljust(512, b"\0")) + body)
    return path


@pytest.mark.parametrize("pixels", [COLOUR, COLOUR[..., :1]])
def test_a_mosaic_is_put_together_from_its_tiles_and_red_stays_red(tmp_path, pixels):
    tiles = [
        (pixels[:, 30:], (-5, 130, 1), {}),
        (pixels[:, :32] // 2, (-5, 100, 0), {}),  # two columns lie below its neighbour
        (pixels[::2, ::2], (-5, 100, 2), {"shown": pixels.shape[:2]}),  # a smaller picture of all
    ]
    micrograph = read_micrograph(write_czi(tmp_path / "a.czi", tiles, SCALING % "1.23e-07"))
    expected = np.concatenate([pixels[:, :30] // 2, pixels[:, 30:]], axis=1)
    assert np.array_equal(micrograph.pixels, np.broadcast_to(expected, (40, 60, 3)))
    assert micrograph.pixel_size_um == pytest.approx(0.123)


def split_bytes(content):
    return np.frombuffer(content, np.uint8).reshape(-1, 2).T.tobytes()


@pytest.mark.parametrize(
    ("compression", "encode"),
    [
        (0, bytes),
        (2, imagecodecs.lzw_encode),
        (5, imagecodecs.zstd_encode),
        (6, lambda content: b"\x01" + imagecodecs.zstd_encode(content)),
        (6, lambda content: b"\x03\x01\x01" + imagecodecs.zstd_encode(split_bytes(content))),
    ],
)
def test_compressed_tiles_of_twelve_bits_are_read(tmp_path, compression, encode):
    path = write_czi(tmp_path / "a.czi", [(DEEP, (0, 0, 0), {})], encode=encode, compression=compression)
    micrograph = read_micrograph(path, pixel_size_um=0.1)
    assert np.array_equal(micrograph.pixels[..., 0], np.rint(DEEP[..., 0] * (255 / 4095)))
    assert "12-bit" in micrograph.findings[0].text


def test_a_compressed_colour_tile_keeps_its_colours(tmp_path):
    encode = imagecodecs.zstd_encode
    path = write_czi(tmp_path / "a.czi", [(COLOUR, (0, 0, 0), {})], encode=encode, compression=5)
    assert np.array_equal(read_micrograph(path, pixel_size_um=0.1).pixels, COLOUR)


@pytest.mark.parametrize(
    ("tiles", "code", "said"),
    [
        ([(COLOUR, (0, 0, 0), {}), (COLOUR, (0, 0, 0), {"scene": 1})], "stack", "a stack of 2 images. Export one"),
        (
            [(COLOUR, (0, 0, 0), {}), (COLOUR, (10_000, 0, 1), {})],
            "damaged-file",
            "cover 0.8% of the 10040 × 60 pixels",
        ),
        ([(COLOUR, (0, 0, 0), {}), (COLOUR, (2**30, 0, 1), {})], "too-large", "more than 400 million"),
        ([(COLOUR, (0, 0, 0), {"compression": 105})], "compression", "a way unknown here. Export it as TIFF"),
        ([(COLOUR, (0, 0, 0), {"shown": (9, 9)})], "damaged-file", "it holds no picture. Export it"),
    ],
)
def test_a_czi_that_is_no_single_picture_says_what_it_is(tmp_path, tiles, code, said):
    path = write_czi(tmp_path / "a.czi", tiles)
    with pytest.raises(MicrographError, match=said) as caught:
        read_micrograph(path, pixel_size_um=0.1)
    assert caught.value.code == code


def test_a_tile_that_promises_more_than_its_bytes_is_refused(tmp_path):
    path = write_czi(tmp_path / "a.czi", [(COLOUR, (0, 0, 0), {})], encode=lambda content: content[:-1])
    with pytest.raises(MicrographError, match="promises 40 × 60 pixels, more than its 7199 bytes can hold"):
        read_micrograph(path, pixel_size_um=0.1)


def test_a_tile_that_says_it_is_longer_than_its_file_is_refused_before_room_is_made(tmp_path):
    path = write_czi(tmp_path / "a.czi", [(COLOUR, (0, 0, 0), {})], compression=5, encode=imagecodecs.zstd_encode)
    content = bytearray(path.read_bytes())
    place = content.index(b"ZISRAWSUBBLOCK") + 32 + 8
    content[place : place + 8] = struct.pack("<q", 2**50)
    path.write_bytes(content)
    with pytest.raises(MicrographError, match="promises 40 × 60 pixels, more than its .* bytes can hold"):
        read_micrograph(path, pixel_size_um=0.1)


def test_a_czi_whose_pixels_are_not_square_is_refused(tmp_path):
    path = write_czi(tmp_path / "a.czi", [(COLOUR, (0, 0, 0), {})], SCALING % "2.46e-07")
    with pytest.raises(MicrographError, match="0.123 µm wide and 0.246 µm high. Export it with square pixels"):
        read_micrograph(path)


@pytest.mark.filterwarnings("ignore")  # czifile warns of what it cannot place
def test_random_damage_never_shows_as_anything_but_a_refusal(tmp_path):
    rng = np.random.default_rng(4)
    tiles = [(COLOUR[:, :30], (0, 0, 0), {}), (COLOUR[:, 30:], (0, 30, 1), {})]
    path = write_czi(tmp_path / "a.czi", tiles, SCALING % "1.23e-07", encode=imagecodecs.zstd_encode, compression=5)
    whole, refused = path.read_bytes(), 0
    heads = [place for place in range(len(whole)) if whole[place : place + 9] == b"ZISRAWSUB" or whole[place] == 68]
    for _ in range(150):
        broken = bytearray(whole)
        for place in (rng.choice(heads) + rng.integers(0, 400, 4)) % len(whole):
            broken[place] = rng.choice([0, 255, rng.integers(0, 256)])
        path.write_bytes(broken[: rng.choice([len(whole), rng.integers(32, len(whole))])])
        try:
            read_micrograph(path)
        except MicrographError:
            refused += 1
    assert refused > 50
