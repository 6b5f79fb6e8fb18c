"""What files contain, and what is said of files that cannot be used."""

import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from ratescope.campaign.micrograph_files import micrograph_files
from ratescope.campaign.template import write_template
from ratescope.errors import InputError, MicrographError, RatescopeError
from ratescope.imaging.reading import find_micrograph_files, read_crop, read_micrograph

COLOUR = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
GREY = COLOUR[..., 0]
SMOOTH = np.rint(np.linspace(20, 230, 40 * 60).reshape(40, 60, 1) * [1.0, 0.8, 0.6]).astype(np.uint8)
IN_CM = {"resolution": (1e4 / 0.123, 1e4 / 0.123), "resolutionunit": "CENTIMETER"}


def save_tiff(path, pixels, **options):
    tifffile.imwrite(path, pixels, **{"photometric": "rgb" if pixels.ndim == 3 else "minisblack", **IN_CM, **options})
    return path


# --- kinds of TIFF --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [{}, {"tile": (16, 32)}, {"rowsperstrip": 7}, {"rowsperstrip": 40}], ids=str)
@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"compression": "lzw"},
        {"compression": "lzw", "predictor": True},
        {"compression": "zlib", "predictor": True, "bigtiff": True},
        {"compression": "zlib", "byteorder": ">"},
        {"compression": "zstd"},
        {"compression": "lzma"},
        {"compression": "packbits"},
    ],
    ids=str,
)
def test_a_tiff_is_read_to_the_last_bit(tmp_path, kind, layout):
    micrograph = read_micrograph(save_tiff(tmp_path / "a.tif", COLOUR, **kind, **layout))
    assert np.array_equal(micrograph.pixels, COLOUR)
    assert micrograph.pixel_size_um == pytest.approx(0.123, rel=1e-4)
    assert micrograph.findings == ()


@pytest.mark.parametrize("layout", [{}, {"tile": (32, 32)}, {"rowsperstrip": 8}], ids=str)
@pytest.mark.parametrize(
    ("pixels", "args"),
    [(SMOOTH, {"outcolorspace": "ycbcr"}), (SMOOTH, {"outcolorspace": "rgb"}), (SMOOTH[..., 0].copy(), {})],
    ids=["YCbCr", "RGB", "grey"],
)
def test_jpeg_inside_a_tiff_keeps_its_colours(tmp_path, pixels, args, layout):
    args = {"level": 95, **args}
    path = save_tiff(tmp_path / "a.tif", pixels, compression="jpeg", compressionargs=args, **layout)
    expected = np.broadcast_to(pixels.reshape(40, 60, -1), (40, 60, 3))
    assert np.abs(read_micrograph(path).pixels.astype(int) - expected).mean() < 1.5


def test_jpeg_whose_tables_stand_apart_is_read(tmp_path):
    """As libtiff writes it, here through Pillow."""
    Image.fromarray(SMOOTH).save(tmp_path / "a.tif", compression="jpeg", quality=95)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.pages[0].jpegtables
    read = read_micrograph(tmp_path / "a.tif", pixel_size_um=0.1).pixels
    assert np.abs(read.astype(int) - SMOOTH).mean() < 1.5


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16), "compression": "zlib"}, {"compression": "lzw"}], ids=str)
def test_planes_become_rgb_and_transparency_is_dropped(tmp_path, dtype, layout):
    factor = {"u1": 1, "u2": 257}[dtype]
    with_alpha = np.dstack([COLOUR, np.full_like(GREY, 255)]).astype(dtype) * np.dtype(dtype).type(factor)
    with_alpha[0, 0, :3] = 255 * factor
    planes = np.moveaxis(with_alpha, -1, 0).copy()
    expected = COLOUR.copy()
    expected[0, 0] = 255
    for name, pixels, options in [
        ("contiguous.tif", with_alpha, {"planarconfig": "contig"}),
        ("planes.tif", planes, {"planarconfig": "separate"}),
    ]:
        path = save_tiff(tmp_path / name, pixels, extrasamples=["unassalpha"], **options, **layout)
        assert np.array_equal(read_micrograph(path).pixels, expected), name


def test_transparency_does_not_count_for_the_depth(tmp_path):
    opaque = np.full(GREY.shape, 65535, np.uint16)
    grey = np.dstack([GREY.astype(np.uint16) * 16, opaque])
    colour = np.dstack([COLOUR.astype(np.uint16) * 16, opaque])
    for pixels, options in [
        (grey, {"photometric": "minisblack"}),
        (colour, {}),
        (np.moveaxis(colour, -1, 0).copy(), {"photometric": "rgb", "planarconfig": "separate"}),
    ]:
        path = save_tiff(tmp_path / "a.tif", pixels, extrasamples=["unassalpha"], **options)
        assert "12-bit" in read_micrograph(path).findings[0].text


@pytest.mark.parametrize("scale", [256, 1])  # the standard has 16-bit palettes; some software writes 8 bits
def test_a_palette_is_looked_up(tmp_path, scale):
    table = np.arange(256) * np.array([[4], [2], [1]]) // 4 * scale
    path = save_tiff(tmp_path / "a.tif", GREY, photometric="palette", colormap=table.astype(np.uint16))
    assert np.array_equal(read_micrograph(path).pixels, np.stack([GREY, GREY // 2, GREY // 4], axis=2))


WIDE = GREY.astype(np.int64)


@pytest.mark.parametrize(
    ("pixels", "options", "expected"),
    [
        (GREY, {}, GREY),
        (GREY > 99, {}, (GREY > 99) * 255),
        (GREY >> 4, {"bitspersample": 4}, (GREY >> 4) * 17),
        ((WIDE << 2).astype(np.uint16), {}, WIDE * (4 * 255 / 1023)),
        ((WIDE << 4).astype(np.uint16), {"bitspersample": 12}, WIDE * (16 * 255 / 4095)),
        ((WIDE << 4).astype(np.uint16), {"compression": "zlib", "predictor": True}, WIDE * (16 * 255 / 4095)),
        ((WIDE << 4).astype(np.uint16), {"byteorder": ">"}, WIDE * (16 * 255 / 4095)),
        ((WIDE << 4).astype(np.uint16), {"byteorder": ">", "compression": "lzw"}, WIDE * (16 * 255 / 4095)),
        ((WIDE << 24).astype(np.uint32), {"compression": "zlib"}, WIDE * (2**24 * 255 / (2**32 - 1))),
        ((WIDE << 7).astype(np.int16), {}, WIDE * (128 * 255 / 32767)),
        ((WIDE / 254).astype(np.float32), {"compression": "zlib", "predictor": True}, WIDE * (255 / 254)),
        (WIDE.astype(np.float64), {"tile": (16, 16)}, GREY),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else str(value.dtype),
)
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_grey_of_any_depth_keeps_its_order_and_scale(tmp_path, pixels, options, expected, photometric):
    read = read_micrograph(save_tiff(tmp_path / "a.tif", pixels, photometric=photometric, **options)).pixels
    upright = read if photometric == "minisblack" else 255 - read
    assert np.abs(upright[..., 0] - expected).max() <= 0.501
    assert np.array_equal(read[..., 0], read[..., 2])


@pytest.mark.parametrize(
    "pixels",
    [GREY.astype(np.int16) - 3, np.where(GREY > 9, GREY, np.nan).astype(np.float32), GREY.astype(np.float64) * 1e12],
    ids=["negative", "not a number", "enormous"],
)
def test_values_that_are_no_grey_are_refused(tmp_path, pixels):
    with pytest.raises(MicrographError, match="has grey values from .* to .*. Save it with 8 or 16 bits"):
        read_micrograph(save_tiff(tmp_path / "a.tif", pixels))


def test_a_pyramid_is_one_image_but_a_stack_is_not(tmp_path):
    large = np.tile(COLOUR, (4, 4, 1))
    for name, levels in [("inside.tif", {"subifds": 1}), ("behind.tif", {})]:
        with tifffile.TiffWriter(tmp_path / name) as writer:
            writer.write(large, photometric="rgb", tile=(64, 64), **levels, **IN_CM)
            writer.write(large[::2, ::2], photometric="rgb", tile=(64, 64), subfiletype=1 if levels else 0)
        assert np.array_equal(read_micrograph(tmp_path / name).pixels, large)


def test_a_mask_behind_an_image_makes_no_stack(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(COLOUR, photometric="rgb", **IN_CM)
        writer.write(GREY > 99, photometric="minisblack", subfiletype=4)
    assert np.array_equal(read_micrograph(tmp_path / "a.tif").pixels, COLOUR)


@pytest.mark.parametrize(
    "options", [{}, {"imagej": True}, {"ome": True, "metadata": {"axes": "TYX"}}, {"metadata": None}], ids=str
)
def test_a_stack_is_refused_however_it_was_written(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([GREY] * 3), photometric="minisblack", **options)
    with pytest.raises(MicrographError, match="a stack of 3 images. Save the one in focus"):
        read_micrograph(tmp_path / "a.tif", pixel_size_um=0.1)


def test_images_without_pages_of_their_own_are_counted(tmp_path):
    """ImageJ gives a stack over 4 GB one page; tifffile does so where it is asked to."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.stack([GREY] * 3), photometric="minisblack", metadata={"axes": "ZYX"}, truncate=True)
    with pytest.raises(MicrographError, match="a stack of 3 images"):
        read_micrograph(path, pixel_size_um=0.1)
    tifffile.imwrite(path, GREY, photometric="minisblack", metadata=None, description="ImageJ=1.54f\nimages=3\n")
    with pytest.raises(MicrographError, match="a stack of 3 images"):
        read_micrograph(path, pixel_size_um=0.1)


def test_colours_in_pages_of_their_own_are_put_together(tmp_path):
    planes = np.moveaxis(COLOUR, -1, 0).copy()
    tifffile.imwrite(tmp_path / "a.tif", planes, ome=True, photometric="minisblack", metadata={"axes": "CYX"})
    assert np.array_equal(read_micrograph(tmp_path / "a.tif", pixel_size_um=0.1).pixels, COLOUR)


@pytest.mark.parametrize(
    ("pixels", "options", "code", "said"),
    [
        (GREY[:1, :1], {}, "too-small", "only 1 × 1 pixels. Give a micrograph"),
        (np.dstack([COLOUR, GREY]), {"photometric": "separated"}, "colour-space", "SEPARATED colours.* Save it as RGB"),
        (COLOUR, {"photometric": "ycbcr"}, "colour-space", "YCBCR colours.* Save it as RGB"),
        (COLOUR, {"compression": "jpeg2000"}, "compression", "JPEG2000. Save it with LZW, Deflate"),
        (COLOUR[..., :2], {"photometric": "minisblack", "planarconfig": "contig"}, "channels", "2 channels. Save it"),
        (np.dstack([COLOUR] * 2), {"photometric": "minisblack", "planarconfig": "contig"}, "channels", "6 channels"),
        (GREY.astype(np.complex64), {}, "grey-values", "64-bit values of a kind that is no grey"),
    ],
)
def test_a_tiff_of_a_kind_that_is_not_read_says_how_to_save_it(tmp_path, pixels, options, code, said):
    with pytest.raises(MicrographError, match=said) as caught:
        read_micrograph(save_tiff(tmp_path / "a.tif", pixels, **options))
    assert caught.value.code == code


# --- PNG, JPEG, orientation -----------------------------------------------------------------------------------------


def test_png_and_jpeg_are_read_and_sixteen_bit_colour_keeps_its_depth(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.png", dpi=(25400 / 0.123,) * 2)
    Image.fromarray(SMOOTH).save(tmp_path / "a.jpg", quality=95)
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(imagecodecs.png_encode(COLOUR.astype(np.uint16) * 16))
    png, jpeg = read_micrograph(tmp_path / "a.png"), read_micrograph(tmp_path / "a.jpg", pixel_size_um=0.1)
    assert png.pixel_size_um == pytest.approx(0.123, rel=1e-3)
    assert np.array_equal(png.pixels, COLOUR)
    assert np.abs(jpeg.pixels.astype(int) - SMOOTH).max() <= 8
    assert np.array_equal(read_micrograph(tmp_path / "b.png", pixel_size_um=0.1).pixels[..., 1], GREY)
    deep = read_micrograph(tmp_path / "c.png", pixel_size_um=0.1)
    assert np.array_equal(deep.pixels, np.rint(COLOUR * (16 * 255 / 4095)))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA"])
def test_a_png_of_any_mode_becomes_rgb(tmp_path, mode):
    picture = Image.fromarray(COLOUR).convert(mode)
    picture.save(tmp_path / "a.png")
    read = read_micrograph(tmp_path / "a.png", pixel_size_um=0.1).pixels
    assert np.array_equal(read, np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["tif", "jpg", "png"])
def test_a_turned_picture_is_shown_upright_and_it_is_said(tmp_path, ending, orientation):
    path, exif = tmp_path / f"a.{ending}", Image.Exif()
    exif[274] = orientation
    if ending == "tif":
        save_tiff(path, SMOOTH, extratags=[(274, 3, 1, orientation, True)], rowsperstrip=7, compression="zlib")
    else:
        Image.fromarray(SMOOTH).save(path, exif=exif)
    stored = Image.fromarray(SMOOTH)
    stored.getexif()[274] = orientation
    micrograph = read_micrograph(path, pixel_size_um=0.123)
    expected = np.asarray(ImageOps.exif_transpose(stored)).astype(int)
    assert np.abs(micrograph.pixels - expected).max() <= (8 if ending == "jpg" else 0)
    assert [finding.code for finding in micrograph.findings] == (["turned"] if orientation > 1 else [])


# --- pixel size -----------------------------------------------------------------------------------------------------


def sem_text(name, text):
    return {"extratags": [(name, 2, 0, text, True)]}


METASERIES = {
    "software": "MetaSeries",
    "description": '<MetaData><PlaneInfo><prop id="spatial-calibration-x" type="float" value="0.16"/>'
    '<prop id="spatial-calibration-y" type="float" value="0.16"/>'
    '<prop id="spatial-calibration-units" type="string" value="um"/></PlaneInfo></MetaData>',
}


@pytest.mark.parametrize(
    ("options", "size_um"),
    [
        ({"resolution": (25400 / 0.2, 25400 / 0.2), "resolutionunit": "INCH"}, 0.2),
        ({"resolution": (1e3 / 0.2, 1e3 / 0.2), "resolutionunit": 4}, 0.2),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({"resolution": (1, 1), "resolutionunit": "CENTIMETER"}, None),
        ({"resolution": (1, 1), "resolutionunit": "NONE"}, None),
        ({"resolution": (81300, 81300), "resolutionunit": "NONE"}, None),
        (
            {"imagej": True, "resolution": (1 / 0.25, 1 / 0.25), "resolutionunit": "NONE", "metadata": {"unit": "um"}},
            0.25,
        ),
        (
            {"imagej": True, "resolution": (4, 4), "resolutionunit": "NONE", "metadata": {"unit": "\\u00B5m"}},
            0.25,
        ),
        ({"imagej": True, "resolution": (25400 / 0.25,) * 2, "metadata": {"unit": "inch"}}, 0.25),
        ({"imagej": True, "metadata": {}}, 0.123),  # no unit in the description: that of the tag
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 150.0, "PhysicalSizeXUnit": "nm"}}, 0.15),
        (
            sem_text(
                34118,
                "0\r\nAP_PIXEL_SIZE\r\nPixel Size = 900.0 nm\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 111.6 nm\r\n",
            ),
            0.1116,
        ),
        (sem_text(34118, "0\r\nAP_PIXEL_SIZE\r\nPixel Size = 1.25 µm\r\n".encode("latin-1")), 1.25),
        (sem_text(34682, "[User]\r\nName=a\r\n[Scan]\r\nPixelWidth=2.5e-007\r\nPixelHeight=2.5e-007\r\n"), 0.25),
        (sem_text(34680, "[EScan]\r\nPixelWidth=2.5e-007\r\n"), 0.25),
        ({**METASERIES, "metadata": None}, 0.16),
        (sem_text(51123, '{"PixelSizeUm": 0.325, "Width": 60}'), 0.325),
        (sem_text(51123, '{"PixelSizeUm": 0.0, "Width": 60}'), 0.123),  # not calibrated: the resolution speaks
    ],
)
def test_the_pixel_size_is_that_of_the_microscope_and_not_of_print(tmp_path, options, size_um):
    path = save_tiff(tmp_path / "a.tif", GREY, **options)
    if size_um is None:
        with pytest.raises(
            MicrographError, match="does not say how large its pixels are; give it with --pixel-size-um"
        ):
            read_micrograph(path)
    else:
        assert read_micrograph(path).pixel_size_um == pytest.approx(size_um, rel=1e-4)


def test_olympus_says_its_pixel_size_in_metres_behind_the_picture(tmp_path):
    path = save_tiff(tmp_path / "a.tif", GREY, resolution=(72, 72), extratags=[(33560, 4, 1, 8, True)])
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages[0].tags[33560].offset + 8
    content += bytes(len(content) % 2)
    content[place : place + 4] = struct.pack("<I", len(content))
    head = struct.pack("<4s6xhhhhh6x32sH", b"SIS0", 0, 0, 1, 0, 100, b"name", 1)
    facts_at = len(content) + len(head) + 8
    content += head + struct.pack("<hhI", 1, 1, facts_at)
    content += struct.pack("<10xhdd8xd2x34s32s", -6, 0.14, 0.14, 50.0, b"camera", b"picture").ljust(112, b"\0")
    path.write_bytes(content)
    assert read_micrograph(path).pixel_size_um == pytest.approx(0.14)


@pytest.mark.parametrize(
    "options",
    [
        {"resolution": (1e4 / 0.123, 1e4 / 0.125)},
        {"imagej": True, "resolution": (8.0, 4.0), "metadata": {"unit": "um"}},
        {"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.2}},
        sem_text(34682, "[Scan]\r\nPixelWidth=2.5e-007\r\nPixelHeight=3.5e-007\r\n"),
    ],
)
def test_pixels_that_are_not_square_are_refused_unless_their_size_is_given(tmp_path, options):
    path = save_tiff(tmp_path / "a.tif", GREY, **options)
    with pytest.raises(MicrographError, match="µm wide and .* µm high. Export it with square pixels") as caught:
        read_micrograph(path)
    assert caught.value.code == "pixels-not-square"
    assert read_micrograph(path, pixel_size_um=0.15).pixel_size_um == 0.15


def test_a_resolution_that_differs_by_rounding_is_square(tmp_path):
    path = save_tiff(tmp_path / "a.tif", GREY, resolution=(1e4 / 0.123, 1e4 / 0.1235))
    assert read_micrograph(path).pixel_size_um == pytest.approx(0.123, rel=1e-4)


def test_the_given_pixel_size_wins_and_a_difference_is_said(tmp_path):
    path = save_tiff(tmp_path / "a.tif", GREY)
    assert read_micrograph(path, pixel_size_um=0.124).findings == ()
    differing = read_micrograph(path, pixel_size_um=0.2)
    assert differing.pixel_size_um == 0.2
    assert "0.2 µm was given, but the file says 0.123 µm" in differing.findings[0].text


# --- size and memory ------------------------------------------------------------------------------------------------

MEMORY = """
import re, sys
from pathlib import Path
from ratescope.imaging.reading import read_micrograph
import imagecodecs
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
read_micrograph(Path(sys.argv[2]))
before = peak()
pixels = read_micrograph(Path(sys.argv[1])).pixels
print((peak() - before) / pixels.nbytes, pixels.shape)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_a_mosaic_of_sixteen_bits_is_read_in_hardly_more_memory_than_its_pixels_need(tmp_path):
    """975 × 60,000 pixels, Deflate: 176 MB as RGB; to decode it all at its own depth would take another 117 MB."""
    noise = np.random.default_rng(0).integers(0, 4096, (975, 6000), dtype=np.uint16)
    mosaic = np.tile(noise, (1, 10))
    path, small = tmp_path / "a.tif", save_tiff(tmp_path / "b.tif", mosaic[:, :600].copy(), compression="zlib")
    save_tiff(path, mosaic, compression="zlib", compressionargs={"level": 1}, rowsperstrip=40)
    done = subprocess.run([sys.executable, "-c", MEMORY, path, small], capture_output=True, text=True, check=True)
    ratio, shape = done.stdout.split(maxsplit=1)
    assert shape.strip() == "(975, 60000, 3)"
    assert float(ratio) < 1.2


# --- damage -------------------------------------------------------------------------------------------------------


def damaged(tmp_path, name):
    whole = save_tiff(tmp_path / "whole.tif", COLOUR).read_bytes()
    with tifffile.TiffFile(tmp_path / "whole.tif") as tiff:
        tags = tiff.pages[0].tags
        places = [tags[tag].valueoffset for tag in ("ImageWidth", "ImageLength")]
    huge = bytearray(whole)
    for place in places:
        huge[place : place + 2] = struct.pack("<H", 60000)
    Image.fromarray(COLOUR).save(tmp_path / "whole.png")
    Image.fromarray(SMOOTH).save(tmp_path / "whole.jpg", quality=95)
    jpeg = (tmp_path / "whole.jpg").read_bytes()
    content = {
        "text.tif": b"not an image at all",
        "empty.tif": b"",
        "half.tif": whole[: len(whole) // 2],
        "head.tif": whole[:20],
        "huge.tif": bytes(huge),
        "half.png": (tmp_path / "whole.png").read_bytes()[:600],
        "half.jpg": jpeg[: len(jpeg) // 2],
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
        ("half.jpg", "damaged-file", "damaged or cut short .* Copy it again"),
        ("film.tif", "unknown-format", "GIF89a.* Export it as TIFF"),
        ("cut.czi", "damaged-file", "damaged or cut short .* Copy it again"),
    ],
)
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path, name, code, said):
    path = damaged(tmp_path, name)
    with pytest.raises(MicrographError, match=said) as caught:
        read_micrograph(path, pixel_size_um=0.123)
    assert caught.value.code == code


def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path):
    for path in (tmp_path / "missing.tif", tmp_path):
        with pytest.raises(MicrographError, match="cannot be opened .*. Check the path and its permissions") as caught:
            read_micrograph(path)
        assert caught.value.code == "unreadable"


def with_size(path, rows, columns):
    """A header that lies: the picture's bytes with another size in front."""
    content = bytearray(path.read_bytes())
    if path.suffix == ".png":
        content[16:24] = struct.pack(">II", columns, rows)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    elif path.suffix == ".jpg":
        place = content.index(b"\xff\xc0") + 5
        content[place : place + 4] = struct.pack(">HH", rows, columns)
    else:
        with tifffile.TiffFile(path) as tiff:
            tags = tiff.pages[0].tags
        for name, value in (("ImageWidth", columns), ("ImageLength", rows), ("RowsPerStrip", rows)):
            place = tags[name].offset + 2
            content[place : place + 10] = struct.pack("<HII", 4, 1, value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("compression", [None, "packbits", "lzw", "zlib", "zstd", "lzma", "jpeg", ".png", ".jpg"])
def test_a_header_that_promises_more_than_its_bytes_can_hold_is_refused_before_decoding(tmp_path, compression):
    """19,000 × 20,000 pixels would take a gigabyte."""
    if compression in {".png", ".jpg"}:
        path = tmp_path / f"a{compression}"
        Image.fromarray(SMOOTH).save(path)
    else:
        path = save_tiff(tmp_path / "a.tif", SMOOTH, compression=compression, rowsperstrip=40)
    with_size(path, 19_000, 20_000)
    tracemalloc.start()
    with pytest.raises(MicrographError, match="promises 19000 × 20000 pixels, more than its .* bytes can hold. Copy"):
        read_micrograph(path, pixel_size_um=0.1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


@pytest.mark.parametrize("compression", ["zlib", "lzw", "zstd", "lzma", "jpeg", ".png", ".jpg"])
def test_a_picture_that_is_black_all_over_is_no_lie_however_well_it_was_compressed(tmp_path, compression):
    black = np.zeros((1500, 2000, 3), np.uint8)
    path = tmp_path / (f"a{compression}" if compression.startswith(".") else "a.tif")
    if path.suffix == ".tif":
        save_tiff(path, black, compression=compression, rowsperstrip=1500)
    else:
        Image.fromarray(black).save(path, optimize=True)
    assert not read_micrograph(path, pixel_size_um=0.1).pixels.any()


@pytest.mark.parametrize("layout", [{}, {"tile": (32, 32)}], ids=str)
def test_a_jpeg_part_that_ends_early_or_lies_is_refused(tmp_path, layout):
    """The decoder would fill what is missing with grey, and make room for all that a part promises."""
    path = save_tiff(tmp_path / "a.tif", SMOOTH, compression="jpeg", **layout)
    whole = path.read_bytes()
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        offset, count = page.dataoffsets[0], page.databytecounts[0]
    early = bytearray(whole)
    early[offset + count // 2 : offset + count] = bytes(count - count // 2)
    path.write_bytes(early)
    with pytest.raises(MicrographError, match="one of its JPEG parts has no end. Copy it again"):
        read_micrograph(path)
    lying = bytearray(whole)
    place = whole.index(b"\xff\xc0", offset) + 5
    lying[place : place + 4] = struct.pack(">HH", 65_000, 65_000)
    path.write_bytes(lying)
    with pytest.raises(MicrographError, match="promises 65000 × 65000 pixels, more than its"):
        read_micrograph(path)


@pytest.mark.parametrize(("ending", "said"), [("png", "Not enough image data"), ("jpg", "its lower part is missing")])
def test_a_picture_whose_lower_part_is_missing_is_refused(tmp_path, ending, said):
    """Pillow would fill it with black or grey."""
    Image.fromarray(SMOOTH).save(tmp_path / f"a.{ending}")
    path = with_size(tmp_path / f"a.{ending}", 80, 60)
    with pytest.raises(MicrographError, match=f"cut short.*{said}.* Copy it again"):
        read_micrograph(path, pixel_size_um=0.1)


@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_pictures_above_the_limit_of_pillow_are_read_and_the_limit_is_as_it_was(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    path = tmp_path / f"a.{ending}"
    if ending == "tif":
        save_tiff(path, SMOOTH, compression="jpeg")
    else:
        Image.fromarray(SMOOTH).save(path)
    assert read_micrograph(path, pixel_size_um=0.1).pixels.shape == SMOOTH.shape
    assert Image.MAX_IMAGE_PIXELS == 100


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


def test_a_crop_is_the_same_whatever_its_depth_and_format(tmp_path):
    grey = np.random.default_rng(0).integers(0, 255, (224, 672), np.uint8)
    grey[0, 0] = 255
    colour = np.repeat(grey[..., None], 3, axis=2)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    save_tiff(tmp_path / "deep.tif", grey.astype(np.uint16) * 257)
    for name in ("colour.png", "deep.png", "deep.tif"):
        assert np.array_equal(read_crop(tmp_path / name).pixels, colour), name


def test_a_crop_of_another_size_or_on_its_side_is_refused(tmp_path):
    Image.new("RGB", (672, 223)).save(tmp_path / "low.png")
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (672, 224)).save(tmp_path / "side.png", exif=exif)
    for name, said in (("low.png", "this one 223 × 672"), ("side.png", "stands on its side")):
        with pytest.raises(MicrographError, match=said) as error:
            read_crop(tmp_path / name)
        assert error.value.code == "not-a-crop"


def test_folders_are_searched_but_not_truth_hidden_or_our_own_crops(tmp_path):
    wanted = [tmp_path / "b.TIF", tmp_path / "micrographs" / "a.png"]
    others = [
        "truth/a.tif",
        ".cache/a.tif",
        ".hidden.tif",
        "out/contact_sheet_2.jpg",
        "out/pictures/a.jpg",
        "notes.txt",
    ]
    others += ["out/a_s0_density_guided-backprop.png"]
    for path in [*wanted, *(tmp_path / other for other in others)]:
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    Image.new("RGB", (672, 224)).save(tmp_path / "out" / "a_s0.png")
    for mark in ("prepared.json", "explain.json"):
        (tmp_path / "out" / mark).touch()
    assert find_micrograph_files([tmp_path, tmp_path / "b.TIF"]) == sorted(wanted)
    with pytest.raises(InputError, match="no such file or folder.* Check the path"):
        find_micrograph_files([tmp_path / "missing"])
    with pytest.raises(InputError, match="no micrograph in .*Name the files"):
        find_micrograph_files([tmp_path / "out"])


def test_crops_are_found_where_they_were_written_and_there_nothing_else_is(tmp_path):
    """Below what is named: also among the micrographs themselves, and in the folder of a campaign's crops."""
    for folder in ("", "deep/"):
        (tmp_path / folder / "pictures").mkdir(parents=True)
        for name in ("a.png", "a_s1.png", "b.tif", "contact_sheet.jpg", "pictures/a.jpg"):
            Image.new("RGB", (60, 40)).save(tmp_path / folder / name)
        Image.new("RGB", (672, 224)).save(tmp_path / folder / "a_s0.png")
        (tmp_path / folder / "prepared.json").touch()
    found = find_micrograph_files([tmp_path], crops=True)
    assert found == [tmp_path / "a_s0.png", tmp_path / "deep" / "a_s0.png"]
    assert micrograph_files([tmp_path / "deep"], crops=True)[0].path == tmp_path / "deep" / "a_s0.png"
    (tmp_path / "deep" / "a_s0.png").unlink()
    with pytest.raises(InputError, match=r"no crop in .*deep.*Name the files"):
        find_micrograph_files([tmp_path / "deep"], crops=True)


def test_micrographs_among_our_own_crops_are_found(tmp_path):
    """Whoever prepares a folder into itself finds the same micrographs again, scenes named as crops are included."""
    for name in ("a.png", "a_s1.png", "contact_sheet_of_june.jpg"):
        Image.new("RGB", (60, 40)).save(tmp_path / name)
    Image.new("RGB", (672, 224)).save(tmp_path / "a_s0.png")
    (tmp_path / "prepared.json").touch()
    found = [path.name for path in find_micrograph_files([tmp_path])]
    assert found == ["a.png", "a_s1.png", "contact_sheet_of_june.jpg"]


@pytest.mark.parametrize("pattern", ["*.tif", "f*/b?.tif", "**/*.tif", "[ab]*.tif"])
def test_a_pattern_that_no_shell_expanded_is_expanded(tmp_path, pattern):
    for name in ("a1.tif", "b.png", "folder/b1.tif", "folder/b2.tif", ".c.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    expected = {
        "*.tif": ["a1.tif"],
        "f*/b?.tif": ["folder/b1.tif", "folder/b2.tif"],
        "**/*.tif": ["a1.tif", "folder/b1.tif", "folder/b2.tif"],
        "[ab]*.tif": ["a1.tif"],
    }
    assert find_micrograph_files([tmp_path / pattern]) == [tmp_path / name for name in expected[pattern]]
    assert len(micrograph_files([tmp_path / pattern])) == len(expected[pattern])


def test_a_pattern_that_matches_nothing_is_said_and_brackets_in_names_are_names(tmp_path):
    (tmp_path / "a[1].tif").touch()
    assert find_micrograph_files([tmp_path / "a[1].tif"]) == [tmp_path / "a[1].tif"]
    with pytest.raises(InputError, match=r"nothing matches .*\*.png. Check the pattern, or name the folder"):
        find_micrograph_files([tmp_path / "*.png"])


def test_a_pattern_finds_campaigns_as_a_shell_would(tmp_path):
    folder = tmp_path / "one"
    write_template(folder)
    pattern_says, shell_says = [], []
    for paths, said in (([tmp_path / "o*"], pattern_says), ([folder], shell_says)):
        with pytest.raises(RatescopeError) as caught:
            micrograph_files(paths)
        said.append(str(caught.value))
    assert pattern_says == shell_says


def test_a_campaign_s_pixel_size_counts_only_where_the_file_says_nothing(tmp_path):
    pixels = np.full((40, 60, 3), 90, np.uint8)
    tifffile.imwrite(tmp_path / "silent.tif", pixels, photometric="rgb")
    tagged = {"resolution": (1e4 / 0.2, 1e4 / 0.2), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "tagged.tif", pixels, photometric="rgb", **tagged)
    silent, agreed, other, given = (
        read_micrograph(tmp_path / name, pixel_size_um=given_um, otherwise_um=otherwise_um)
        for name, given_um, otherwise_um in (
            ("silent.tif", None, 0.1),
            ("tagged.tif", None, 0.201),
            ("tagged.tif", None, 0.1),
            ("tagged.tif", 0.3, 0.1),
        )
    )
    assert [one.pixel_size_um for one in (silent, agreed, other, given)] == pytest.approx([0.1, 0.2, 0.2, 0.3])
    assert [len(one.findings) for one in (silent, agreed, other, given)] == [0, 0, 1, 1]
    assert "the campaign says 0.1 µm per pixel, but the file says 0.2 µm; the file's was used" in other.findings[0].text
    assert "0.3 µm was given, but the file says 0.2 µm; the given one was used" in given.findings[0].text
