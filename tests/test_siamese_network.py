"""The network: layers as in the paper, one stem for both sides, a vector for what is missing."""

import pytest
import torch
from torch import nn

from mmrec.models.siamese_network import HiddenInputs, SiameseNetwork
from mmrec.study.claims import prose
from mmrec.workspace import PROJECT

PAPER_WIDTHS = {"video": 2048, "audio": 128, "text": 384, "meta": 1220}
PAPER_USER = 1220


def layers(module: nn.Module) -> list:
    """``[(in, out), activation, (in, out), ...]`` in the order of the computation."""
    found = []
    for part in module.modules():
        if isinstance(part, nn.Linear):
            found.append((part.in_features, part.out_features))
        elif not list(part.children()):
            found.append(type(part))
    return found


def small(*modalities: str) -> SiameseNetwork:
    torch.manual_seed(0)
    return SiameseNetwork(dict.fromkeys(modalities, 4), 6)


def everywhere(*modalities: str, n: int) -> dict[str, torch.Tensor]:
    """Where the features of n movies are if all have them."""
    return dict.fromkeys(modalities, torch.arange(n))


def test_layers_are_the_papers():
    network = SiameseNetwork(PAPER_WIDTHS, PAPER_USER)
    leaky, sigmoid = nn.LeakyReLU, nn.Sigmoid
    assert {name: layers(encoder) for name, encoder in network.movie_encoders.items()} == {
        "video": [(2048, 1600), sigmoid, (1600, 500), sigmoid, (500, 200), leaky],
        "audio": [(128, 256), leaky, (256, 200), leaky],
        "text": [(384, 100), leaky, (100, 200), leaky],
        "meta": [(1220, 100), leaky, (100, 200), leaky],
    }
    assert layers(network.user_encoder) == [(1220, 1024), sigmoid, (1024, 800), leaky]
    assert layers(network.siamese) == [(800, 512), leaky, (512, 256), leaky, (256, 100), leaky]
    assert layers(network.rating_predictor) == [(200, 164), leaky, (164, 50), leaky, (50, 1)]
    slopes = {part.negative_slope for part in network.modules() if isinstance(part, leaky)}
    assert slopes == {0.01}


def test_parameter_count_is_the_one_worked_out_by_hand():
    network = SiameseNetwork(PAPER_WIDTHS, PAPER_USER)
    encoders = 58_700 + 84_424 + 142_300 + 4_179_100  # text, audio, meta, video
    user, stem, predictor, missing = 2_070_304, 567_140, 41_265, 4 * 200
    assert sum(p.numel() for p in network.parameters()) == (
        encoders + user + stem + predictor + missing
    )


def test_the_answer_in_chapter_6_quotes_the_shares_of_the_parts():
    network = SiameseNetwork(PAPER_WIDTHS, PAPER_USER)
    total = sum(p.numel() for p in network.parameters())
    movies, users = (
        f"{100 * sum(p.numel() for p in part.parameters()) / total:.1f} %"
        for part in (network.movie_encoders, network.user_encoder)
    )
    page = prose.text_of(PROJECT / "notebooks" / "06_siamese_training.ipynb")
    assert prose.measured(page) == [movies, users]


@pytest.mark.parametrize("modalities", [("meta",), ("meta", "text"), ("video", "text", "meta")])
def test_the_stem_is_200_wide_for_each_modality(modalities):
    network = small(*modalities)
    width = 200 * len(modalities)
    assert layers(network.user_encoder)[2] == (1024, width)
    assert layers(network.siamese)[0] == (width, 512)


def test_a_modality_of_the_readers_own_is_encoded_as_meta_is():
    network = SiameseNetwork({"ratings": 943}, 1682)
    assert layers(network.movie_encoders["ratings"])[::2] == [(943, 100), (100, 200)]


def test_users_and_movies_share_one_stem():
    network = small("meta")
    users, movies = torch.randn(3, 6), {"meta": torch.randn(5, 4)}
    at = everywhere("meta", n=5)
    before = network.encode_users(users), network.encode_movies(movies, at)
    with torch.no_grad():
        network.siamese[0].weight.mul_(2)
    after = network.encode_users(users), network.encode_movies(movies, at)
    assert all((a - b).abs().min() > 0 for a, b in zip(before, after, strict=True))
    assert [code.shape for code in after] == [(3, 100), (5, 100)]


def test_encodings_are_concatenated_in_the_order_of_the_modalities():
    network = small("text", "meta")
    seen = []
    network.siamese.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    features = {"meta": torch.randn(2, 4), "text": torch.randn(2, 4)}  # another order
    network.encode_movies(features, everywhere("text", "meta", n=2))
    torch.testing.assert_close(seen[0][:, :200], network.movie_encoders["text"](features["text"]))
    torch.testing.assert_close(seen[0][:, 200:], network.movie_encoders["meta"](features["meta"]))


def test_a_rating_is_one_number_per_pair_and_depends_on_both_sides():
    network = small("meta")
    users, movies = network.halves(torch.randn(7, 100), torch.randn(7, 100))
    rated = network.rate(users, movies)
    assert rated.shape == (7,)
    assert (network.rate(users.flip(0), movies) != rated).any()
    assert (network.rate(users, movies.flip(0)) != rated).any()


def test_the_halves_of_the_first_layer_add_up_to_it():
    network = small("meta")
    users, movies = torch.randn(7, 100), torch.randn(7, 100)
    rated = network.rate(*network.halves(users, movies))
    whole = network.rating_predictor(torch.cat([users, movies], dim=1)).squeeze(1)
    torch.testing.assert_close(rated, whole)


def test_a_movie_without_a_modality_gets_the_learned_vector_and_the_others_their_own():
    network = small("text", "meta")
    with torch.no_grad():
        network.missing["text"].uniform_()
    seen = []
    network.siamese.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    features = {"text": torch.randn(2, 4), "meta": torch.randn(4, 4)}
    at = {"text": torch.tensor([1, 2, 0, 2]), "meta": torch.arange(4)}
    network.encode_movies(features, at)
    encoded = network.movie_encoders["text"](features["text"])
    missing = network.missing["text"]
    expected = torch.stack([encoded[1], missing, encoded[0], missing])
    torch.testing.assert_close(seen[0][:, :200], expected)


def test_the_vector_of_a_missing_modality_learns_and_the_encoder_does_not_learn_from_it():
    network = small("text", "meta")
    features = {"text": torch.randn(0, 4), "meta": torch.randn(3, 4)}
    at = {"text": torch.zeros(3, dtype=torch.int64), "meta": torch.arange(3)}
    codes = network.encode_movies(features, at)
    network.rate(*network.halves(torch.randn(3, 100), codes)).sum().backward()
    assert network.missing["text"].grad.abs().sum() > 0
    assert network.missing["meta"].grad.abs().sum() == 0
    encoders = network.movie_encoders
    assert all(p.grad.abs().sum() == 0 for p in encoders["text"].parameters())
    assert all(p.grad.abs().sum() > 0 for p in encoders["meta"].parameters())


def test_weights_that_keep_the_variance_keep_users_and_movies_apart():
    torch.manual_seed(0)
    features = {"meta": torch.randn(200, 1220)}
    at = everywhere("meta", n=200)
    network = SiameseNetwork({"meta": 1220}, 1220)
    before = network.encode_movies(features, at).std(dim=0).mean()
    network.variance_preserving_init()
    after = network.encode_movies(features, at).std(dim=0).mean()
    assert before < 0.05
    assert 0.3 < after < 3
    linear = [part for part in network.modules() if isinstance(part, torch.nn.Linear)]
    assert all((part.bias == 0).all() for part in linear[:-1])


def test_hidden_inputs_hide_in_training_alone():
    network = SiameseNetwork({"meta": 4}, 6, input_dropout=0.5)
    movies = {"meta": torch.ones(1, 4)}, everywhere("meta", n=1)
    for encode in (
        lambda: network.encode_users(torch.ones(1, 6)),
        lambda: network.encode_movies(*movies),
    ):
        network.train()
        assert len({tuple(encode()[0].tolist()) for _ in range(8)}) > 1
        network.eval()
        assert torch.equal(encode(), encode())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("share", [0.25, 0.8])
def test_a_share_of_the_inputs_is_hidden_and_their_mean_stays(dtype, share):
    torch.manual_seed(0)
    hidden = HiddenInputs(share)(torch.ones(301, 333, dtype=dtype))  # no multiple of 8 numbers
    assert hidden.dtype == dtype
    assert (hidden == 0).float().mean().item() == pytest.approx(share, abs=0.01)
    assert hidden.float().mean().item() == pytest.approx(1, abs=0.02)
    by_column = (hidden == 0).float().mean(dim=0)
    assert by_column.std() < 2 * (share * (1 - share) / 301) ** 0.5, "columns go their own ways"
