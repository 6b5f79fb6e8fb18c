from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from ratescope.network.augmentation import Lamp, Move, draw_lamps, draw_move, draw_moves, moved, relit
from ratescope.settings import AugmentationSettings


def noise(rows=20, columns=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)


def smooth(rows=40, columns=60):
    blurred = ndimage.gaussian_filter(noise(rows, columns).astype(float), (3, 3, 0), mode="reflect")
    return np.clip((blurred - 127.5) * 6 + 127.5, 10, 245).astype(np.uint8)


def apply(move, crop):
    """One crop after one move, (rows, columns, 3) in float."""
    return moved(crop[None], [move])[0].permute(1, 2, 0).numpy()


def moved_slowly(crop, move):
    """Every pixel by a spline at the place that it comes from; scipy's ``reflect`` is our mirroring."""
    middle = (np.array(crop.shape[:2]) - 1) / 2
    angle = np.deg2rad(move.turn_deg)
    back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    offset = middle - back @ (middle + np.array([move.down_px, move.right_px]))
    return np.stack(
        [ndimage.affine_transform(crop[..., c].astype(float), back, offset, order=3, mode="reflect") for c in range(3)],
        axis=2,
    )


@given(st.integers(-25, 25), st.integers(-35, 35))
def test_whole_shifts_copy_pixels_and_mirror_at_the_edges(down, right):
    crop = noise()
    padded = np.pad(crop, ((40, 40), (40, 40), (0, 0)), mode="symmetric")
    wanted = padded[40 - down : 60 - down, 40 - right : 70 - right]
    assert apply(Move(down, right), crop) == pytest.approx(wanted, abs=0.05)


def test_a_quarter_turn_makes_what_was_level_fall():
    crop = noise(21, 21)
    assert apply(Move(turn_deg=90.0), crop) == pytest.approx(np.rot90(crop, -1), abs=0.05)


@given(st.floats(-12, 12), st.floats(-20, 20), st.floats(-8, 8))
def test_mirrored_is_the_same_move_with_left_and_right_swapped(down, right, turn):
    crop = smooth()
    there = apply(Move(down, right, turn), crop)
    assert apply(Move(down, right, turn, mirrored=True), crop) == pytest.approx(there[:, ::-1], abs=0.05)


@settings(max_examples=30, deadline=None)
@given(st.floats(-12, 12), st.floats(-20, 20), st.floats(-8, 8))
def test_moves_agree_with_a_spline_pixel_by_pixel(down, right, turn):
    crop = smooth()
    move = Move(down, right, turn)
    difference = np.abs(apply(move, crop) - moved_slowly(crop, move))
    assert difference.mean() < 1.0  # of 256 grey levels: the kernels differ between the pixels
    assert difference.max() < 8


@given(st.floats(-32, 32), st.floats(-96, 96), st.floats(-5, 5), st.integers(0, 255))
def test_a_uniform_crop_stays_as_it_is(down, right, turn, level):
    crop = np.full((20, 30, 3), level, np.uint8)
    assert apply(Move(down, right, turn), crop) == pytest.approx(crop, abs=0.01)


def test_moving_keeps_sharpness():
    """A blurred training set would be another instrument than the one that predictions come from."""
    crop = smooth()
    steps = np.abs(np.diff(crop.astype(float), axis=1)).mean()
    moved = np.abs(np.diff(apply(Move(0.5, 0.5), crop), axis=1)).mean()
    assert moved == pytest.approx(steps, rel=0.05)


def test_averaging_first_and_averaging_last_look_the_same():
    crop, move = smooth(80, 120), Move(10.3, -20.7, 3.0)

    def halved(pixels):
        return pixels.reshape(40, 2, 60, 2, 3).mean(axis=(1, 3))

    assert replace(move, mirrored=True).at_reduction(2).mirrored
    before = apply(move.at_reduction(2), halved(crop).round().astype(np.uint8))
    assert np.abs(before - halved(apply(move, crop))).mean() < 1.0


@given(st.integers(0, 2**63 - 1))
def test_a_drawn_move_stays_within_reach(seed):
    reach = AugmentationSettings(shift_rows_px=7.0, shift_columns_px=11.0, rotation_deg=2.0)
    move = draw_move(np.random.default_rng(seed), reach)
    assert abs(move.down_px) <= 7.0
    assert abs(move.right_px) <= 11.0
    assert abs(move.turn_deg) <= 2.0


def test_half_of_the_crops_are_mirrored_where_that_is_asked_for_and_else_none():
    plain = draw_moves(400, AugmentationSettings(), seed=1, step=2)
    asked = draw_moves(400, AugmentationSettings(mirror=True), seed=1, step=2)
    assert not any(move.mirrored for move in plain)
    assert 160 < sum(move.mirrored for move in asked) < 240
    assert [replace(move, mirrored=False) for move in asked] == plain


def test_chance_depends_on_seed_step_and_position_and_on_nothing_else():
    reach = AugmentationSettings()
    first = draw_moves(3, reach, seed=1, step=2)
    assert first == draw_moves(3, reach, seed=1, step=2)
    assert first[:2] == draw_moves(2, reach, seed=1, step=2)
    assert len({*first, *draw_moves(3, reach, seed=2, step=2), *draw_moves(3, reach, seed=1, step=3)}) == 9


def test_lamps_are_as_strong_as_asked_and_depend_on_seed_step_and_position_alone():
    first = draw_lamps(3, 0.2, seed=1, step=2)
    assert first[:2] == draw_lamps(2, 0.2, seed=1, step=2)
    assert len({*first, *draw_lamps(3, 0.2, seed=2, step=2), *draw_lamps(3, 0.2, seed=1, step=3)}) == 9
    many = draw_lamps(400, 0.2, seed=1, step=2)
    gains, offsets = np.log([lamp.gain for lamp in many]), np.array([lamp.offset for lamp in many])
    assert np.abs(gains).max() == pytest.approx(0.25, abs=0.03)
    assert np.abs(offsets).max() == pytest.approx(10.0, abs=1.2)
    assert 0.02 < np.ptp(gains, axis=1).mean() < 0.06, "a tint, and far less of it than of brightness"


def test_each_crop_has_its_own_lamp_and_black_and_white_stay():
    pixels = torch.tensor([10.0, 100.0, 250.0]).expand(2, 3, 1, 3).contiguous()
    lit = relit(pixels, [Lamp((1.0, 1.0, 1.0), (0.0, 0.0, 0.0)), Lamp((1.2, 1.0, 0.5), (0.0, -20.0, 0.0))])
    assert torch.equal(lit[0], pixels[0])
    assert lit[1, :, 0].tolist() == [[12.0, pytest.approx(120.0), 255.0], [0.0, 80.0, 230.0], [5.0, 50.0, 125.0]]


def test_each_crop_of_a_batch_makes_its_own_move():
    crops, moves = np.stack([noise(seed=1), noise(seed=2)]), [Move(3.0, turn_deg=4.0), Move(right_px=-2.5)]
    alone = np.stack([apply(move, crop) for move, crop in zip(moves, crops, strict=True)])
    assert moved(crops, moves).permute(0, 2, 3, 1).numpy() == pytest.approx(alone, abs=1e-3)


def test_moving_leaves_the_crop_alone():
    crop = noise()
    before = crop.copy()
    apply(Move(3.3, 4.4, 2.0), crop)
    assert np.array_equal(crop, before)
