"""What files contain, and what is said of files that cannot be used."""

import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from ratescope.errors import InputError, MicrographError
from ratescope.imaging.reading import as_rgb8, find_micrograph_files, read_micrograph

COLOUR = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
GREY = COLOUR[..., 0]
IN_CM = {"resolution": (1e4 / 0.123, 1e4 / 0.123), "resolutionunit": "CENTIMETER"}


def save_tiff(path, pixels, **options):
    tifffile.imwrite(path, pixels, **{"photometric": "rgb" if pixels.ndim == 3 else "minisblack", **IN_CM, **options})
    return path


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
def test_a_compressed_tiff_is_read_to_the_last_bit(tmp_path, compression):
    micrograph = read_micrograph(save_tiff(tmp_path / "a.tif", COLOUR, compression=compression))
    assert np.array_equal(micrograph.pixels, COLOUR)
    assert micrograph.pixel_size_um == pytest.approx(0.123, rel=1e-4)


def test_planes_and_transparency_become_rgb(tmp_path):
    planes = save_tiff(tmp_path / "planes.tif", np.moveaxis(COLOUR, -1, 0).copy(), planarconfig="separate")
    with_alpha = np.dstack([COLOUR, GREY])
    rgba = save_tiff(tmp_path / "rgba.tif", with_alpha, extrasamples=["unassalpha"])
    assert np.array_equal(read_micrograph(planes).pixels, COLOUR)
    assert np.array_equal(read_micrograph(rgba).pixels, COLOUR)


def test_a_palette_is_looked_up_and_white_zero_is_turned_round(tmp_path):
    table = np.arange(256) * np.array([[256], [128], [64]])
    palette = save_tiff(tmp_path / "palette.tif", GREY, photometric="palette", colormap=table.astype(np.uint16))
    white = save_tiff(tmp_path / "white.tif", GREY, photometric="miniswhite")
    assert np.array_equal(read_micrograph(palette).pixels, np.stack([GREY, GREY // 2, GREY // 4], axis=2))
    assert np.array_equal(read_micrograph(white).pixels[..., 0], 255 - GREY)


def test_sixteen_bits_are_divided_by_the_depth_that_is_used():
    twelve_bit = np.array([[0, 4095], [2048, 100]], np.uint16)
    pixels, findings = as_rgb8(twelve_bit)
    assert pixels[..., 0].tolist() == [[0, 255], [128, 6]]
    assert [finding.code for finding in findings] == ["depth-reduced"]
    assert "12-bit" in findings[0].text


def test_negative_grey_values_are_refused():
    with pytest.raises(MicrographError, match="from -3 to 5. Save it with 8 or 16 bits"):
        as_rgb8(np.array([[-3, 5]], np.int16))


@pytest.mark.parametrize(
    ("options", "size_um"),
    [
        ({"resolution": (25400 / 0.2, 25400 / 0.2), "resolutionunit": "INCH"}, 0.2),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({"resolution": (1, 1), "resolutionunit": "CENTIMETER"}, None),
        ({"resolution": (1, 1), "resolutionunit": "NONE"}, None),
        (
            {"imagej": True, "resolution": (1 / 0.25, 1 / 0.25), "resolutionunit": "NONE", "metadata": {"unit": "um"}},
            0.25,
        ),
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 150.0, "PhysicalSizeXUnit": "nm"}}, 0.15),
    ],
)
def test_pixel_sizes_of_print_are_no_pixel_sizes(tmp_path, options, size_um):
    path = save_tiff(tmp_path / "a.tif", GREY, **options)
    if size_um is None:
        with pytest.raises(
            MicrographError, match="does not say how large its pixels are; give it with --pixel-size-um"
        ):
            read_micrograph(path)
    else:
        assert read_micrograph(path).pixel_size_um == pytest.approx(size_um, rel=1e-4)


def test_the_given_pixel_size_wins_and_a_difference_is_said(tmp_path):
    path = save_tiff(tmp_path / "a.tif", GREY)
    assert read_micrograph(path, pixel_size_um=0.124).findings == ()
    differing = read_micrograph(path, pixel_size_um=0.2)
    assert differing.pixel_size_um == 0.2
    assert "0.2 µm was given, but the file says 0.123 µm" in differing.findings[0].text


def test_png_and_jpeg_are_read_and_sixteen_bit_colour_keeps_its_depth(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.png", dpi=(25400 / 0.123,) * 2)
    Image.fromarray(COLOUR).save(tmp_path / "a.jpg", quality=95)
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "b.png")
    assert read_micrograph(tmp_path / "a.png").pixel_size_um == pytest.approx(0.123, rel=1e-3)
    assert read_micrograph(tmp_path / "a.jpg", pixel_size_um=0.1).pixels.shape == COLOUR.shape
    assert np.array_equal(read_micrograph(tmp_path / "b.png", pixel_size_um=0.1).pixels[..., 1], GREY)


def test_a_pyramid_is_one_image_but_a_stack_is_not(tmp_path):
    large = np.tile(COLOUR, (4, 4, 1))
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as writer:
        writer.write(large, photometric="rgb", tile=(64, 64), subifds=1, **IN_CM)
        writer.write(large[::2, ::2], photometric="rgb", tile=(64, 64), subfiletype=1)
    stack = save_tiff(tmp_path / "stack.tif", np.stack([GREY] * 3), photometric="minisblack")
    assert np.array_equal(read_micrograph(tmp_path / "pyramid.tif").pixels, large)
    with pytest.raises(MicrographError, match="a stack of 3 images. Save the one in focus"):
        read_micrograph(stack)


def damaged(tmp_path, name):
    whole = save_tiff(tmp_path / "whole.tif", COLOUR).read_bytes()
    with tifffile.TiffFile(tmp_path / "whole.tif") as tiff:
        tags = tiff.pages[0].tags
        places = [tags[tag].valueoffset for tag in ("ImageWidth", "ImageLength")]
    huge = bytearray(whole)
    for place in places:
        huge[place : place + 2] = struct.pack("<H", 60000)
    Image.fromarray(COLOUR).save(tmp_path / "whole.png")
    content = {
        "text.tif": b"not an image at all",
        "empty.tif": b"",
        "half.tif": whole[: len(whole) // 2],
        "head.tif": whole[:20],
        "huge.tif": bytes(huge),
        "half.png": (tmp_path / "whole.png").read_bytes()[:600],
        "film.tif": b"GIF89a" + bytes(40),
        "cut.czi": b"ZISRAWFILE" + bytes(600),
    }[name]
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("text.tif", "unknown-format", "is no TIFF, PNG, JPEG or CZI.* Export it as TIFF"),
        ("empty.tif", "empty-file", "is empty. Copy it again"),
        ("half.tif", "damaged-file", "promises more than its .* bytes. Copy it again"),
        ("head.tif", "damaged-file", "damaged or cut short .* Copy it again"),
        ("huge.tif", "too-large", "60000 × 60000 pixels.* Cut it into single mosaics"),
        ("half.png", "damaged-file", "damaged or cut short .* Copy it again"),
        ("film.tif", "unknown-format", "GIF89a.* Export it as TIFF"),
        ("cut.czi", "damaged-file", "damaged or cut short .* Copy it again"),
    ],
)
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path, name, code, said):
    path = damaged(tmp_path, name)
    with pytest.raises(MicrographError, match=said) as caught:
        read_micrograph(path, pixel_size_um=0.123)
    assert caught.value.code == code


def test_one_pixel_and_printing_colours_are_refused(tmp_path):
    with pytest.raises(MicrographError, match="only 1 × 1 pixels. Give a micrograph"):
        read_micrograph(save_tiff(tmp_path / "a.tif", GREY[:1, :1]))
    cmyk = save_tiff(tmp_path / "b.tif", np.dstack([COLOUR, GREY]), photometric="separated")
    with pytest.raises(MicrographError, match="made for print. Save it as RGB"):
        read_micrograph(cmyk)


def test_random_damage_never_shows_as_anything_but_a_refusal(tmp_path):
    rng = np.random.default_rng(3)
    whole = save_tiff(tmp_path / "a.tif", COLOUR, compression="lzw").read_bytes()
    refused = 0
    for _ in range(60):
        broken = bytearray(whole)
        for place in rng.integers(0, 300, 3):
            broken[place] = rng.integers(0, 256)
        (tmp_path / "b.tif").write_bytes(broken)
        try:
            read_micrograph(tmp_path / "b.tif", pixel_size_um=0.1)
        except MicrographError:
            refused += 1
    assert refused > 5


def test_folders_are_searched_but_not_truth_hidden_or_our_own_crops(tmp_path):
    wanted = [tmp_path / "b.TIF", tmp_path / "micrographs" / "a.png"]
    others = ["truth/a.tif", ".cache/a.tif", ".hidden.tif", "out/a_s0.png", "notes.txt"]
    for path in [*wanted, *(tmp_path / other for other in others)]:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "out" / "prepared.json").touch()
    assert find_micrograph_files([tmp_path, tmp_path / "b.TIF"]) == sorted(wanted)
    with pytest.raises(InputError, match="no such file or folder.* Check the path"):
        find_micrograph_files([tmp_path / "missing"])
    with pytest.raises(InputError, match="no micrograph in .*Name the files"):
        find_micrograph_files([tmp_path / "out"])
