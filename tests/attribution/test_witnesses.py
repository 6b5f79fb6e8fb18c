import numpy as np
import torch

from ratescope.attribution.witnesses import Witnesses, witnesses_among
from ratescope.campaign.crops import CampaignCrops
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import NetworkCard
from ratescope.network.ensemble import Ensemble
from ratescope.records import Box, CropId
from ratescope.settings import NetworkSettings

IDS = tuple(CropId("A", "s", f"{n}.tif", 0) for n in range(5))
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 224, 672, 3), dtype=np.uint8)


def test_each_crop_is_asked_with_its_own_facts():
    card = NetworkCard("specific", (0.2, 5.0), (0.0, 0.0, 0.0), facts=("load_mpa",))
    torch.manual_seed(0)
    network = RateNetwork(NetworkSettings(filters=(2, 2), hidden=(4,), input_reduction=8), rates=2, facts=1).eval()
    ensemble = Ensemble("specific", card.c_rates_per_h, (network,), card)
    loads = {"load_mpa": np.array([0.0, 100.0, 200.0, 300.0, 700.0])}
    asked = Witnesses(IDS, PIXELS, loads, (None,) * 5).asked(ensemble, 3)
    alone = np.stack([crop.ensemble.predict(crop.pixels[None]).predicted[0] for crop in asked])
    together = ensemble.predict(PIXELS, loads).predicted[[0, 2, 4]]
    np.testing.assert_allclose(alone, together, rtol=1e-5)
    assert [crop.crop for crop in asked] == [IDS[0], IDS[2], IDS[4]]
    assert np.ptp(together, axis=0).min() > 1e-3


def test_where_the_truth_is_not_there_a_crop_has_no_regions(tmp_path):
    boxes = (Box(0.0, 224.0, 0.0, 672.0),) * 5
    crops = CampaignCrops(IDS, PIXELS, {}, {}, {}, boxes, {"0.tif": np.eye(2, 3)})
    found = witnesses_among(crops, {}, tmp_path / "truth", 2)
    assert found.regions == (None, None)
    assert found.ids == (IDS[0], IDS[4])
