"""Tables as they are printed: text, captions, no raw numbers."""

import numpy as np
import pandas as pd
import pytest
import tiny
from made_runs import off_by, ratings_of, run_row

from mmrec.reports import comparisons, summaries, tables


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


def test_a_table_is_shown_as_plain_text_without_its_empty_columns(workspace):
    truth = ratings_of("u1")
    runs = pd.DataFrame(
        [
            run_row(workspace, "a", off_by(0.5, truth)),
            run_row(workspace, "b", off_by(0.25, truth), row="user mean", precision=np.nan),
        ]
    )
    shown = tables.show(summaries.summarise(runs, workspace)).cells
    assert shown.index.tolist() == ["meta", "user mean"]
    assert shown["RMSE"].tolist() == ["0.500", "0.250"]
    assert shown["paper: RMSE"].tolist() == ["1.025", "–"]
    assert shown["paper: precision, recall"].tolist() == ["69.4,\u00a085.1", "–"]
    assert not {"masked", "support size", "fold", "folds"} & set(shown), "nothing to show"
    assert shown.map(lambda cell: isinstance(cell, str) and "nan" not in cell).all(axis=None)


def test_protocols_are_shown_side_by_side(workspace):
    truth = ratings_of("u1")
    runs = pd.DataFrame(
        [
            run_row(workspace, "a", off_by(0.5, truth)),
            run_row(workspace, "b", off_by(0.75, truth), protocol="as_published"),
            run_row(workspace, "c", off_by(0.5, truth), protocol="as_published", seed=1),
            run_row(workspace, "d", off_by(0.25, truth), row="user mean", model="user mean"),
        ]
    )
    runs.loc[4] = runs.loc[0]
    runs.loc[4, ["features", "hash"]] = ["permuted", "b"]
    table = summaries.summarise(runs, workspace)
    shown = tables.show(table[table["features"] == "real"]).cells
    assert shown.index.tolist() == ["meta", "user mean"]
    assert shown["clean: RMSE"].tolist() == ["0.500", "0.250"]
    published = "0.625 ± 0.177 (best 0.500)".replace(" ", "\u00a0")
    assert shown["as published: RMSE"].tolist() == [published, "–"]
    gain = "+0.250 (+0.250 to +0.250)".replace(" ", "\u00a0")
    assert shown["content gain (95 % interval)"].tolist() == [gain, "–"]
    assert shown["paper: RMSE"].tolist() == ["1.025", "–"]
    between = runs.loc[[0]].assign(protocol="hidden_target")
    table = summaries.summarise(pd.concat([runs, between]), workspace)
    shown = tables.show(table[table["features"] == "real"]).cells
    assert shown["hidden target: RMSE"].tolist() == ["0.500", "–"]


def test_what_a_table_rests_on_is_told_once():
    runs = pd.DataFrame(
        {
            "fold": "u1",
            "protocol": "clean",
            "seed": [0, 1, 0],
            "sources": [two := '{"meta": "a, b | c: d", "text": "open"}', two, "{}"],
        }
    )
    told = tables.sources(runs).cells["what it rests on"]
    assert told.to_dict() == {
        "protocol": "clean, fold u1, seeds 0, 1",
        "meta": "a, b | c: d",
        "text": "open",
    }


def test_a_caption_says_what_the_figures_rest_on(workspace):
    truth = ratings_of("u1")
    sources = '{"meta": "open, spaCy", "video": "posters, ResNet-50 (posters for trailers)"}'
    runs = pd.DataFrame(
        [
            run_row(workspace, f"s{seed}", off_by(0.5, truth), seed=seed, sources=sources)
            for seed in range(3)
        ]
    )
    shown = tables.show(summaries.summarise(runs, workspace), "Table I, in part")
    assert shown.caption == (
        "Table I, in part. Protocol: clean. Fold u1. 3 seeds per row. Intervals: 95 %, over users. "
        "Features: meta from open, spaCy; video from posters, ResNet-50 (posters for trailers)."
    )
    html = shown._repr_html_()
    assert f">{shown.caption}</caption>" in html
    assert shown.caption in str(shown)


def test_a_caption_names_scenarios_and_what_was_sampled(workspace):
    runs = pd.DataFrame(
        [
            run_row(workspace, fold, off_by(0.5, ratings_of(fold)), fold=fold)
            for fold in ("item1", "item2", "user1", "both1")
        ]
    )
    told = tables.show(summaries.summarise(runs, workspace, pooled=True)).caption
    folds = "2 folds of new films, 1 fold of new users, 1 fold of new films and users"
    assert f"{folds}. 1 seed per row." in told
    assert "over users and films or over users." in told


def test_header_and_cells_stand_on_the_same_side_and_text_is_escaped():
    cells = pd.DataFrame({"RMSE": ["0.9"], "verdict": ["better & <b>"]}, index=["meta"])
    html = tables.PrintedTable(cells, "A caption.")._repr_html_()
    assert (
        '<th style="text-align: right">RMSE</th><th style="text-align: left">verdict</th>' in html
    )
    assert '<td style="text-align: right">0.9</td>' in html
    assert '<td style="text-align: left">better &amp; &lt;b&gt;</td>' in html
    text = str(tables.PrintedTable(cells, "A caption.")).splitlines()
    assert text == ["A caption.", "", "       RMSE   verdict", *text[3:]]
    assert text[-1] == "meta    0.9   better & <b>"


def comparison(p: list[float], floor: bool, n_seeds: int = 3) -> pd.DataFrame:
    base = {"row": "meta", "model": "m", "features": "real", "protocol": "clean", "fold": "u1"}
    base |= {"masking": 0.0, "support_size": pd.NA, "n_folds": 1, "measure": "RMSE"}
    base |= {"difference": -0.01, "low": -0.02, "high": 0.0, "interval": "users"}
    base |= {"n_seeds": n_seeds, "seeds_agree": n_seeds, "sources": "{}"}
    rows = [{**base, "p_holm": value, "p_at_floor": floor, "verdict": "better"} for value in p]
    return pd.DataFrame(rows)


def test_a_p_at_the_floor_of_its_test_is_an_upper_limit():
    shown = tables.show_comparison(comparison([0.0017, 0.0009, 0.002], floor=True)).cells
    assert shown["p (Holm)"].tolist() == ["≤ 0.002", "< 0.001", "≤ 0.002"]
    shown = tables.show_comparison(comparison([0.0017, 0.0009, 0.5], floor=False)).cells
    assert shown["p (Holm)"].tolist() == ["0.0017", "< 0.001", "0.5000"]


def test_one_seed_agrees_with_nobody():
    shown = tables.show_comparison(comparison([0.01], floor=False, n_seeds=1)).cells
    assert shown["seeds agree"].tolist() == ["one seed"]
    shown = tables.show_comparison(comparison([0.01], floor=False)).cells
    assert shown["seeds agree"].tolist() == ["3\u00a0of\u00a03"]


def test_every_table_prints_without_a_raw_number_that_is_missing(workspace):
    truth = ratings_of("u1")
    runs = pd.DataFrame(
        [
            run_row(workspace, "a", off_by(0.5, truth), precision=np.nan),
            run_row(workspace, "b", off_by(0.25, truth), row="user mean", model="user mean"),
        ]
    )
    shown = [
        tables.show(summaries.summarise(runs, workspace)),
        tables.show_comparison(comparisons.compare(runs, workspace, reference="user mean")),
        tables.sources(runs),
    ]
    for table in shown:
        assert "nan" not in table._repr_html_().lower()
        assert table.caption.endswith(".")
        assert repr(table) == str(table)


def test_numbers_are_named_rounded_and_dashed():
    index = pd.MultiIndex.from_tuples([("meta", 0), ("meta", 1)])
    frame = pd.DataFrame({"rmse_mean": [0.98765, np.nan], "epochs": [1200, 7]}, index=index)
    shown = tables.numbers(frame.assign(gain=0.5), "A caption.", 3, gain=1).cells
    assert shown.columns.tolist() == ["RMSE", "epochs", "gain"]
    assert shown.index.tolist() == ["meta, 0", "meta, 1"]
    assert shown.to_numpy().tolist() == [["0.988", "1,200", "0.5"], ["–", "7", "0.5"]]


def test_the_caption_of_runs_names_their_seeds(workspace):
    run = run_row(workspace, "a", ratings_of("u1"))
    told = tables.caption(pd.DataFrame([run, {**run, "seed": 4}]), "Training")
    assert told == "Training. Protocol: clean. Fold u1. Seeds: 0, 4."


def test_columns_of_one_name_are_all_printed():
    frame = pd.DataFrame([[0.1, 0.2]], columns=["rmse_low", "gain_low"], index=["meta"])
    html = tables.numbers(frame, "A caption.")._repr_html_()
    assert html.count("95 % from") == 2
    assert ">0.100<" in html
    assert ">0.200<" in html
    assert str(tables.numbers(frame, "A caption.")).endswith("0.200")
