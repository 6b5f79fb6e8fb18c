import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ratescope.network.architecture import RateNetwork
from ratescope.network.loss import kernel_l1, kernel_l2, mape
from ratescope.settings import NetworkSettings

capacities = arrays(np.float64, (3, 5), elements=st.floats(1.0, 300.0))


def test_one_tenth_too_much_everywhere_is_ten_percent():
    measured = torch.tensor([[150.0, 20.0], [3.0, 7.0]])
    assert mape(1.1 * measured, measured).item() == pytest.approx(10.0, rel=1e-5)


@given(capacities, capacities, st.floats(0.01, 100.0))
def test_mape_does_not_change_when_measured_and_predicted_are_scaled_together(predicted, measured, scale):
    predicted, measured = torch.from_numpy(predicted), torch.from_numpy(measured)
    assert mape(scale * predicted, scale * measured).item() == pytest.approx(mape(predicted, measured).item())


@given(capacities, capacities)
def test_mape_agrees_with_adding_up_one_by_one(predicted, measured):
    slowly = [abs(p - m) / m * 100.0 for p, m in zip(predicted.ravel(), measured.ravel(), strict=True)]
    assert mape(torch.from_numpy(predicted), torch.from_numpy(measured)).item() == pytest.approx(sum(slowly) / 15)


@pytest.mark.parametrize(("penalty", "each"), [(kernel_l2, 4.0), (kernel_l1, 2.0)])
def test_l2_and_l1_count_kernels_and_leave_out_biases_and_batch_norms(penalty, each):
    network = RateNetwork(NetworkSettings(filters=(2, 3), hidden=(4,)), rates=2)
    kernels = [network.extractor[0], network.extractor[3], network.regressor[0], network.regressor[4]]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(7.0)
        for kernel in kernels:
            kernel.weight.fill_(-2.0)
    weights = 3 * 2 * 9 + 2 * 3 * 9 + 3 * 4 + 4 * 2
    assert penalty(network).item() == pytest.approx(each * weights)
