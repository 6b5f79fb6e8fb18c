"""How exact the descriptors beside the crop are, on coatings whose phases are known. Everything is simulated.

    nice python docs/studies/descriptors_on_truth.py

One row per coating, laboratory and flaw in 0003-descriptors.csv: dark share of each crop less that of its own phases
(mean and standard deviation over the crops, beside Otsu's threshold of each crop), porosity by the recipe beside the
true share of pores and cracks in the same crops, crops needed for ± 1 point, grain sizes beside those of the coating,
milliseconds for all crops. For each coating: standardised errors of crops on eight planes through its middle (phases
alone, nine crops a plane; about the mean of all) and of the planes' means: their standard deviation should be 1. About
ten minutes on one core.
"""

import time
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from ratescope.imaging.descriptors import describe_crops, porosity_by_recipe, variance_by_covariance
from ratescope.imaging.grey import grey_of
from ratescope.imaging.prepare import prepare
from ratescope.records import Micrograph, crops_for_one_point
from ratescope.settings import PrepareSettings
from ratescope.units import CROP_COLUMNS, CROP_ROWS, NETWORK_PIXEL_SIZE_UM
from ratescope.virtual_lab.cross_section import PHASES, view
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.instrument import FLAWLESS_PREPARATION, REFERENCE_MICROSCOPE, SECOND_MICROSCOPE
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.phase_map import crop_phases
from ratescope.virtual_lab.plan import load_for_porosity

TABLE = Path(__file__).with_name("0003-descriptors.csv")
COATINGS = (*((porosity, 9.2) for porosity in (0.18, 0.22, 0.254, 0.30, 0.346, 0.42, 0.495, 0.52)), (0.30, 6.0))
MICROSCOPES = {"reference": REFERENCE_MICROSCOPE, "second": SECOND_MICROSCOPE}
FLAWS = {"none": {}, "noise 16": {"noise": 16.0}, "blur 2 px": {"blur_px": 2.0}, "shading 15 %": {"shading": 0.15}}
WIDTH_UM, BLOCK_PX, PLANES = 775.0, 4, 8
QUANTILES = (0.1, 0.5, 0.9)
COLUMNS = (
    *("laboratory", "flaw", "porosity", "particle_d50_um", "crops", "dark_share"),
    *("error_points", "error_sd_points", "otsu_error_points", "otsu_error_sd_points"),
    *("pore_share", "porosity_by_recipe", "standard_error_points", "crops_needed_covariance", "crops_needed_scatter"),
    *(f"{name}_um{what}" for name in ("d10", "d50", "d90") for what in ("", "_seen", "_error")),
    *("profiles", "milliseconds", "standardised_crops_sd", "standardised_means_sd"),
)


def spoiled(crops, rng, *, noise=0.0, blur_px=0.0, shading=0.0):
    light = 1.0 + shading * np.linspace(-1.0, 1.0, crops.shape[2])[:, None]
    grey = ndimage.gaussian_filter(crops * light, (0.0, blur_px, blur_px, 0.0))
    grey += noise * rng.standard_normal(grey.shape)
    return np.rint(grey).clip(0, 255).astype(np.uint8)


def crops_with_phases(section, microscope, rng):
    """Crops of one flawless mosaic, as they are prepared, and the phases under each."""
    columns = round(WIDTH_UM / microscope.pixel_size_um)
    picture = photograph(
        section, columns=columns, rng=rng, microscope=microscope, preparation=FLAWLESS_PREPARATION, tilt_deg=0.1
    )
    prepared = prepare(Micrograph(picture.pixels, picture.pixel_size_um), PrepareSettings())
    boxes = [part.box for part in prepared.sections if part.crop is not None]
    return prepared.crops, np.stack([crop_phases(picture.phases, prepared.level_to_file, box) for box in boxes])


def otsu_shares(crops):
    greys = [grey_of(crop) for crop in crops]
    return np.array([(grey <= threshold_otsu(grey)).mean() for grey in greys])


def standardised(section):
    """Deviation of the crops' and of the planes' errors, in standard errors; phases alone."""
    rows, columns, block_um = CROP_ROWS // BLOCK_PX, CROP_COLUMNS // BLOCK_PX, BLOCK_PX * NETWORK_PIXEL_SIZE_UM
    beside = int(WIDTH_UM / block_um / columns)
    middle = rows / 2 + section.electrode.thickness_um / 2 / block_um
    frame = Frame(rows, beside * columns, block_um, middle, WIDTH_UM / 2)
    depths_um = np.arange(PLANES) * section.period_um[1] / PLANES
    planes = [view(section, frame, deeper_um=depth_um).phases != PHASES["particle"] for depth_um in depths_um]
    dark = np.stack([np.split(plane, beside, axis=1) for plane in planes])
    shares = dark.mean(axis=(2, 3))
    by_covariance = np.array([variance_by_covariance(crops, block_um) for crops in dark])
    errors = np.sqrt(np.maximum(by_covariance, shares.var(axis=1, ddof=1)))
    off = shares - shares.mean()
    return (off / errors[:, None]).std(), (off.mean(axis=1) / errors * np.sqrt(beside)).std()


def rows_of(number, porosity, d50_um):
    electrode = VirtualElectrode("P", "study", load_for_porosity(porosity), porosity, particle_d50_um=d50_um)
    section = cut_cross_section(electrode, width_um=WIDTH_UM, rng=np.random.default_rng([23, number]))
    active = electrode.volume_fractions["active"] / (1.0 - porosity)
    diameters = np.sort(2.0 * section.grains.radii_um)
    volume = np.cumsum(diameters**3)
    true_um = diameters[np.searchsorted(volume / volume[-1], QUANTILES)]
    deviations = standardised(section)
    for name, microscope in MICROSCOPES.items():
        crops, phases = crops_with_phases(section, microscope, np.random.default_rng([24, number]))
        dark = (phases != PHASES["particle"]).mean(axis=(1, 2))
        pore = np.isin(phases, (PHASES["pore"], PHASES["crack"])).mean()
        for flaw, amount in FLAWS.items():
            pictures = spoiled(crops, np.random.default_rng([25, number]), **amount)
            start = time.process_time()
            seen = describe_crops(pictures, NETWORK_PIXEL_SIZE_UM, thickness_um=electrode.thickness_um)
            milliseconds = 1e3 * (time.process_time() - start)
            off, otsu, sizes = seen.dark_shares - dark, otsu_shares(pictures) - dark, seen.grain_sizes
            yield (
                *(name, flaw, porosity, d50_um, len(crops), dark.mean()),
                *(100 * value for value in (off.mean(), off.std(), otsu.mean(), otsu.std())),
                *(pore, porosity_by_recipe(seen.dark_share, active), 100 * seen.standard_error),
                *(crops_for_one_point(error) for error in (seen.crop_error_by_covariance, seen.crop_error_by_scatter)),
                *(true_um[0], sizes.d10_um, sizes.d10_error_um),
                *(true_um[1], sizes.d50_um, sizes.d50_error_um),
                *(true_um[2], sizes.d90_um, sizes.d90_error_um),
                *(sizes.profiles, milliseconds, *deviations),
            )


def main():
    lines = [",".join(COLUMNS)]
    for number, (porosity, d50_um) in enumerate(COATINGS):
        for row in rows_of(number, porosity, d50_um):
            lines.append(",".join(value if isinstance(value, str) else f"{value:.4g}" for value in row))
            print(lines[-1], flush=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
