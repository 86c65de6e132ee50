"""Which number of the evidence leads to which view."""

from gradviz.dashboard.evidence_links import address_of
from gradviz.dashboard.permalink import View, read
from gradviz.evidence.claims import claim_of
from tests.evidence.made import evidence


def views_of(claim: str) -> list[View | None]:
    """Of each number of a claim, in their order; None where no view shows it."""
    addresses = [address_of(figure.shown) for figure in claim_of(claim).verdict(evidence()).figures]
    return [read(address)[0] if address else None for address in addresses]


def test_the_accuracy_is_shown_with_the_training_and_what_permuting_does_nowhere():
    first, *others = views_of("accurate")
    assert first == View(view="training")
    assert set(others) == {None}


def test_a_number_of_a_picture_leads_to_its_minibatches():
    *own, first, second = views_of("start")
    assert (first, second) == (None, None)  # of random units: no view shows them
    assert len(own) == 2
    for view in own:
        assert view is not None
        assert (view.view, view.part, view.run, view.epoch) == ("minibatches", "pair", "none", 3)
        assert (view.x_a, view.y_a) == ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]")


def test_with_masks_drawn_anew_the_angles_are_shown_and_r_is_not():
    views = views_of("dropout-start")
    angles, resultants, random = views[:4], views[4:8], views[8:]
    assert all(view is not None and view.run == "dropout" for view in angles)
    assert resultants == [None] * 4
    assert random == [None] * 8  # no view shows random units


def test_the_measured_r_of_all_biases_is_shown_and_the_random_one_is_not():
    view, *others = views_of("composition")
    assert view is not None
    assert (view.view, view.part, view.x_a) == ("minibatches", "biases", "hidden.1.linear.bias[0]")
    assert set(others) == {None}


def test_the_whole_models_cosine_is_shown_with_the_whole_model():
    [view] = views_of("sgd")
    assert view is not None
    assert (view.view, view.part, view.run, view.epoch) == ("minibatches", "model", "none", 3)


def test_only_the_zero_arrows_of_the_two_precisions_are_on_the_page():
    view, *others = views_of("batchnorm-rough")
    assert view is not None
    assert (view.view, view.run, view.epoch) == ("explore", "batchnorm", 10)
    assert set(others) == {None}
