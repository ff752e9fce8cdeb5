"""The page of trained weights, from their cards and from what `experiments/cards.py` and `fid.py` measured."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from PIL import Image

from facelib import results, weights

# Headings of the page: which models stand below them, what they are, and where the course builds them.
GROUPS = {
    "Autoencoders": {
        "VAE": ("variational autoencoder", "01_vae"),
        "Accordion": ("accordion autoencoder", "02_accordion"),
    },
    "Generative adversarial networks": {
        "DCGAN": ("DCGAN", "03_dcgan"),
        "ConditionalDCGAN": ("conditional DCGAN", "04_conditional_gan"),
        "ACGAN": ("ACGAN", "05_conditional_family"),
        "TwoNGAN": ("2N-GAN", "05_conditional_family"),
        "InfoGAN": ("InfoGAN", "05_conditional_family"),
    },
    "Encoders and translators": {
        "LatentEncoder": ("encoder of a GAN", "08_projection"),
        "CycleGAN": ("CycleGAN", "09_cyclegan"),
    },
    "Classifiers": {
        "Classifier": ("classifier, the judge of labels", "04_conditional_gan"),
        "AttributeClassifier": ("classifier of attributes", "07_arithmetic"),
    },
}
WORDS = {
    "psnr_db": "PSNR of held-out faces, dB",
    "ssim": "SSIM of held-out faces",
    "samples_psnr_db": "PSNR of the generator's own samples, dB",
    "samples_ssim": "SSIM of the generator's own samples",
    "variety": "how much samples differ, 1: as much as real pictures",
    "right": "share in which a judge sees the class that was asked for (InfoGAN: after the best matching)",
    "ceiling": "share of held-out real pictures that the judge gets right",
    "coverage": "coverage of classes",
    "score": "classifier score (as the Inception Score, by the judge)",
    "score_real": "the same of real pictures",
    "categories_read": "share of categories that can be read off the pictures",
    "frechet": "Fréchet face distance of translations, 1,000 pictures",
    "frechet_untouched": "Fréchet face distance of untouched pictures",
    "arrived": "share that is of the other kind after translation, there",
    "arrived_back": "the same, back",
    "right_db": "PSNR against the right answer, there, dB",
    "right_back_db": "PSNR against the right answer, back, dB",
    "cycle_db": "there and back, dB",
    "noisy_cycle_db": "there and back with noise in between, dB",
    "least_covered": "coverage of the least covered class",
}
OF_FAMILY = ["neutral women", "smiling women", "neutral men", "smiling men"]  # rows of chapter 05's drawn faces
# Steps and the share of faces are among the facts; the shares of rare strokes are explained in chapter 05.
LEFT_OUT = {"steps", "survived", "face_rate"} | {
    f"{digit}_{what}" for digit in ("one", "seven") for what in ("rare", "rare_real", "covered")
}


def write(folder: Path) -> None:
    """Fill in the page `weights.md` of a folder, and put its pictures beside it."""
    cards, pictures = weights.catalog(), results.sheets("cards")
    (folder / "cards").mkdir()
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / "cards" / f"{file_of(name)}.jpg", quality=92, subsampling=0)
    page = folder / "weights.md"
    text = page.read_text().replace("{{cards}}", entries(cards, set(pictures)))
    megabytes = sum(card["bytes"] for card in cards.values()) / 1e6
    page.write_text(text.replace("{{count}}", str(len(cards))).replace("{{megabytes}}", f"{megabytes:.1f}"))


def entries(cards: dict[str, dict], pictures: set[str]) -> str:
    """An overview and a section a card."""
    measured = {row["weights"]: row for row in results.load("cards").to_dict("records")}
    table = results.load("fid_models")
    # Of samples where a model has both: they are its own.
    distances = {row["model"]: row for row in table.sort_values("what").to_dict("records")}
    known = {kind for kinds in GROUPS.values() for kind in kinds}
    if lost := [name for name, card in cards.items() if card["model"] not in known or name not in measured]:
        raise ValueError(f"{lost} would be missing: add the models to GROUPS, or run experiments/cards.py.")
    parts = [overview(cards, measured, table)]
    for heading, kinds in GROUPS.items():
        parts.append(f"## {heading}\n\n")
        parts += [entry(name, card, measured[name], distances.get(name), pictures) for name, card in of(kinds, cards)]
    return "".join(parts)


def overview(cards: dict[str, dict], measured: dict[str, dict], distances: pd.DataFrame) -> str:
    """A table a data set: distances of two are not comparable."""
    columns = ["weights", "parameters", "steps", "min", "Fréchet", "faces"]
    parts = []
    for dataset, title in {"synthetic": "Drawn faces", "portraits": "Portraits", "digits": "Digits"}.items():
        parts.append(f"**{title}**\n\n| {' | '.join(columns)} |\n|---{'|--:' * (len(columns) - 1)}|\n")
        real = distances.query("dataset == @dataset and model == 'real faces'")
        if len(real):
            parts.append(f"| *other real faces* | | | | {real['frechet'].iloc[-1]:.3f} | |\n")
        samples = distances.query("what == 'samples'").set_index("model")["frechet"]
        for kinds in GROUPS.values():
            for name, card in of(kinds, cards):
                if card["dataset"]["name"] != dataset:
                    continue
                faces = measured[name]["faces"]
                values = (
                    f"{measured[name]['parameters']:,.0f}",
                    f"{card['steps']:,}",
                    f"{card['seconds'] / 60:.0f}",
                    f"{samples[name]:.3f}" if name in samples else "",
                    f"{faces:.0%}" if pd.notna(faces) else "",
                )
                parts.append(f"| [{name}](#{anchor(name)}) | {' | '.join(values)} |\n")
        parts.append("\n")
    return "".join(parts)


def of(kinds: dict, cards: dict[str, dict]) -> list[tuple[str, dict]]:
    """The cards of some models, in their order."""
    return [(name, card) for kind in kinds for name, card in cards.items() if card["model"] == kind]


def entry(name: str, card: dict, measured: dict, distances: dict | None, pictures: set[str]) -> str:
    """A sheet, a line that sums up, and the card behind a click."""
    what, chapter = next(kinds[card["model"]] for kinds in GROUPS.values() if card["model"] in kinds)
    if "family.py" in card["command"]:  # all of its models are compared there
        chapter = "05_conditional_family"
    elif card["name"].startswith("cdcgan"):  # its twin without labels, too
        chapter = "04_conditional_gan"
    if card["config"].get("folds") == 1:
        what = "autoencoder, an accordion of one fold"
    size, minutes = card["config"]["image_size"], round(card["seconds"] / 60)
    parts = [f"({anchor(name)})=\n### `{name}`\n\n"]
    if name in pictures:
        parts.append(image(name, f"{caption(card)}, by {name}", 512 if size >= 64 else 320))
        parts.append(f"*{caption(card)}.*\n\n")
    at = f"[chapter {int(chapter[:2])}](../chapters/{chapter})"
    parts.append(f"{what[0].upper()}{what[1:]} of {size} px, {card['steps']:,} steps in {minutes} min; {at}.\n\n")
    facts = {
        "Parameters": f"{measured['parameters']:,.0f}" + (" (of the generator)" if is_gan(card) else ""),
        "Learned from": data(card),
        "Recipe": f"`{card['recipe']}`" if is_gan(card) else card["recipe"],
        "Training": f"{card['steps']:,} steps of {card['batch_size']}, {minutes} min on {card['hardware']}, "
        f"{card['backend']}{chosen(card)}",
        "Command": f"`{card['command']}`",
        **scores(card, measured, distances),
        "Known failures": card["known_failures"],
        "File": f"{card['bytes']:,} bytes, SHA-256 `{card['sha256'][:16]}…`",
    }
    parts.append("::::{dropdown} Card\n:::{list-table}\n:widths: 22 78\n\n")
    parts += [f"* - {fact}\n  - {text}\n" for fact, text in facts.items()]
    parts.append(":::\n")
    if f"{name} nearest" in pictures:
        parts.append("\n*Nearest training faces.*\n\n")
        parts.append(image(f"{name} nearest", f"Six samples of {name} and below each its nearest training face", 384))
    return "".join(parts) + "::::\n\n"


def is_gan(card: dict) -> bool:
    return card["model"] in GROUPS["Generative adversarial networks"]


def caption(card: dict) -> str:
    model, photos = card["model"], card["dataset"]["name"] == "portraits"
    if model in ("Accordion", "LatentEncoder"):
        faces = "samples of its generator" if photos else "faces that it has not seen"
        return f"Above {faces}, below what comes back"
    if model == "CycleGAN":
        one, other = card["config"]["domains"]
        by = "generated portraits, chosen by their colours" if photos else "faces that it has not seen"
        return f"{by[0].upper()}{by[1:]}: {one}, turned into {other}, and {other}, turned into {one}"
    names = card.get("labels", {}).get("names")
    if model in ("ConditionalDCGAN", "ACGAN", "TwoNGAN"):
        of_family = OF_FAMILY if card["dataset"]["name"] == "synthetic" else ["the ten digits"]
        return "The same z in every row; rows: " + "; ".join(names or of_family)
    return "Random samples, not chosen"


def data(card: dict) -> str:
    dataset = card["dataset"]
    filters = "" if dataset["filters"] == "none" else f"; {dataset['filters']}"
    filters += "".join(f"; {key} {dataset[key]}" for key in ("seed", "half") if key in dataset)
    return f"{dataset['train']:,} of `{dataset['name']}`{filters}"


def chosen(card: dict) -> str:
    return f"; epoch {card['chosen_epoch']} of {card['epochs']} was chosen" if "chosen_epoch" in card else ""


def scores(card: dict, measured: dict, distances: dict | None) -> dict[str, str]:
    facts = {}
    if distances:
        text = interval(distances["frechet"], distances["frechet_low"], distances["frechet_high"], 3)
        text += f" of {distances['what']}, n = {distances['n']:,}, {distances['size']} px"
        facts["Fréchet face distance"] = text
        facts["Precision, recall"] = f"{distances['precision']:.2f}, {distances['recall']:.2f}"
        if pd.notna(distances["memorization"]):
            names = ("memorization", "memorization_low", "memorization_high")
            facts["Memorisation"] = interval(*(distances[name] for name in names))
    if pd.notna(measured["faces"]):
        share = interval(measured["faces"], measured["faces_low"], measured["faces_high"])
        facts["Faces"] = f"MTCNN finds one in {share} of 500 random samples, with a confidence of 0.9"
    if pd.notna(measured["heard"]):
        share = interval(measured["heard"], measured["heard_low"], measured["heard_high"])
        facts["Labels"] = f"a judge sees the class that was asked for in {share} of 1,000 samples"
    if pd.notna(measured["nearest"]):
        near, unseen = measured["nearest"], measured["nearest_unseen"]
        text = f"{near:.2f} away from the six best samples, {unseen:.2f} from the six best faces that it has not seen"
        facts["Nearest training face"] = f"{text} (distance of O-Net's features)"
    lines = []
    for name, score in card["scores"].items():
        word = WORDS.get(name) or in_words(name)
        if name == "balanced_accuracy":
            told = pd.Series(score)
            lines.append(
                f"balanced accuracy {told.mean():.2f} on average, at worst {told.min():.2f}, for {told.idxmin()}"
            )
        elif isinstance(score, (int, float)) and name not in LEFT_OUT:
            lines.append(f"{word}: {score:.2f}")
        elif isinstance(score, list) and len(score) == 3 and name not in LEFT_OUT and isinstance(score[0], float):
            lines.append(f"{word}: {interval(*score)}")
    if lines:
        facts["Scores on the card"] = "; ".join(lines)
    return facts


def in_words(name: str) -> str:
    """Of scores that have a domain in their names."""
    if name.startswith("change_of_"):
        return f"mean change of a {name.split('_')[2]} picture when translated, in levels of 0 to 255"
    return name.replace("_psnr_db", ", PSNR in dB").replace("_", " ")


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def image(name: str, alt: str, width: int) -> str:
    return f"```{{image}} cards/{file_of(name)}.jpg\n:alt: {alt}\n:width: {width}px\n```\n\n"


def file_of(name: str) -> str:
    return name.replace(" ", "-")


def anchor(name: str) -> str:
    return f"weights-{name}"
