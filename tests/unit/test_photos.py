"""Reading photos: every kind of file that people call one."""

import numpy as np
import pytest
from PIL import Image

from facelib.data.photos import PhotoError, photo_size, read_photo


@pytest.fixture
def photo(drawn):
    return drawn[0]


def close(image, other, levels=6):
    assert image.dtype == np.uint8 and image.shape == other.shape
    assert np.abs(image.astype(float) - other).mean() < levels


def grey(photo):
    return np.asarray(Image.fromarray(photo).convert("L").convert("RGB"))


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("L", "png"), ("LA", "png"), ("P", "png"), ("P", "gif"), ("CMYK", "jpg"), ("RGBA", "png"), ("LAB", "tif")],
)
def test_modes_become_rgb(photo, tmp_path, mode, suffix):
    image = Image.fromarray(photo)
    image = image.quantize(256) if mode == "P" else image.convert(mode)
    image.save(tmp_path / f"photo.{suffix}")
    close(read_photo(tmp_path / f"photo.{suffix}")[0], grey(photo) if mode in ("L", "LA") else photo)


def test_black_and_white_stays_so(photo, tmp_path):
    image = Image.fromarray(photo).convert("1")
    image.save(tmp_path / "photo.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "photo.png")[0], np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_and_not_clipped(photo, tmp_path, suffix):
    wide = grey(photo)[..., 0].astype(np.uint16) * 257
    Image.fromarray(wide).save(tmp_path / f"photo.{suffix}")
    pixels, _ = read_photo(tmp_path / f"photo.{suffix}")
    np.testing.assert_array_equal(pixels, grey(photo))


def test_sixteen_bits_of_a_pgm_too(photo, tmp_path):
    wide = grey(photo)[..., 0].astype(">u2") * 257
    header = f"P5 {wide.shape[1]} {wide.shape[0]} 65535\n".encode()
    (tmp_path / "photo.pgm").write_bytes(header + wide.tobytes())
    np.testing.assert_array_equal(read_photo(tmp_path / "photo.pgm")[0], grey(photo))


@pytest.mark.parametrize("turned", [None, 3])
def test_thirty_two_bits_have_their_own_range(photo, tmp_path, turned):
    levels = np.zeros((80, 100), np.int32)
    levels[:40] = np.linspace(0, 255, 100).astype(np.int32)
    exif = Image.Exif()
    if turned:
        exif[0x0112] = turned
    Image.fromarray(levels).save(tmp_path / "photo.tif", exif=exif)
    pixels, _ = read_photo(tmp_path / "photo.tif")
    np.testing.assert_array_equal(pixels[..., 0], levels[::-1, ::-1] if turned else levels)


def test_floats_that_are_no_numbers_are_black_and_the_others_keep_their_range(tmp_path):
    values = np.linspace(-2, 3, 256, dtype=np.float32).reshape(16, 16)
    levels = np.arange(256).reshape(16, 16).copy()
    values[3, 4], values[5, 6] = np.nan, np.inf
    levels[3, 4], levels[5, 6] = 0, 255
    Image.fromarray(values).save(tmp_path / "photo.tif")
    np.testing.assert_array_equal(read_photo(tmp_path / "photo.tif")[0][..., 0], levels)
    Image.fromarray(np.full((16, 16), np.nan, np.float32)).save(tmp_path / "photo.tif")
    with pytest.raises(PhotoError, match="unreadable: no pixel is a finite number"):
        read_photo(tmp_path / "photo.tif")


def test_transparent_parts_are_white(photo, tmp_path):
    layers = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    layers[:40, :, 3] = 0
    Image.fromarray(layers).save(tmp_path / "photo.png")
    pixels, _ = read_photo(tmp_path / "photo.png")
    assert (pixels[:40] == 255).all()
    np.testing.assert_array_equal(pixels[40:], photo[40:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(photo, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = Image.fromarray(photo[:120])
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    stored.save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(read_photo(tmp_path / "photo.png")[0], photo[:120])


def test_of_an_animation_the_first_frame(photo, tmp_path):
    frames = [Image.fromarray(photo), Image.fromarray(255 - photo)]
    for suffix in ("gif", "webp"):
        frames[0].save(tmp_path / f"photo.{suffix}", save_all=True, append_images=frames[1:])
        close(read_photo(tmp_path / f"photo.{suffix}")[0], photo, levels=12)


def test_what_is_no_photo_says_why(photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "page.jpg").write_text("<!DOCTYPE html><html>quota exceeded</html>")
    (tmp_path / "noise.jpg").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "head.jpg").write_bytes(whole[:20])
    (tmp_path / "folder.jpg").mkdir()
    reasons = {
        "half.jpg": "unreadable: .*truncated",
        "empty.jpg": "unreadable: the file is empty",
        "page.jpg": "unreadable: the file is a web page",
        "noise.jpg": "unreadable: the file is no image",
        "head.jpg": "unreadable: ",
        "folder.jpg": "unreadable: a folder",
        "missing.jpg": "unreadable: No such file",
    }
    for name, reason in reasons.items():
        with pytest.raises(PhotoError, match=reason):
            read_photo(tmp_path / name)


@pytest.mark.parametrize("kind", ["png", "jpg", "gif", "tif", "webp", "bmp"])
def test_no_damage_raises_anything_else(photo, tmp_path, kind):
    """Bytes flipped at random: either pixels or a reason."""
    Image.fromarray(photo).save(tmp_path / f"whole.{kind}")
    whole = np.frombuffer((tmp_path / f"whole.{kind}").read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    refused = 0
    for i in range(40):
        broken = whole.copy()
        # The first bytes are the header, where damage does most.
        places = rng.integers(0, min(len(broken), 400) if i % 2 else len(broken), 12)
        broken[places] = rng.integers(0, 256, 12)
        (tmp_path / f"{i}.{kind}").write_bytes(broken.tobytes())
        try:
            assert read_photo(tmp_path / f"{i}.{kind}")[0].ndim == 3
        except PhotoError:
            refused += 1
    assert refused or kind in ("jpg", "bmp")


def test_decompression_bombs_are_refused_before_they_are_decoded(tmp_path):
    import tracemalloc

    Image.new("1", (12_000, 12_000)).save(tmp_path / "bomb.png")
    tracemalloc.start()
    with pytest.raises(PhotoError, match="refused: more than 89,478,485 pixels, it may be a decompression bomb"):
        read_photo(tmp_path / "bomb.png")
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_arrays_must_be_pictures(photo):
    pixels, name = read_photo(photo)
    assert pixels is photo and name is None
    for wrong in (photo[..., 0], photo / 255, photo[:0]):
        with pytest.raises(PhotoError, match="an array must be uint8"):
            read_photo(wrong)


def test_the_hash_names_the_content(photo, tmp_path):
    for name, pixels in (("a.png", photo), ("b.png", photo), ("c.png", 255 - photo)):
        Image.fromarray(pixels).save(tmp_path / name)
    a, b, c = (read_photo(tmp_path / name)[1] for name in ("a.png", "b.png", "c.png"))
    assert a == b != c


def test_sizes_come_from_the_header(photo, tmp_path):
    Image.fromarray(photo[:100]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no")
    assert photo_size(tmp_path / "a.png") == (100, 160) == photo_size(photo[:100])
    assert photo_size(tmp_path / "b.png") == photo_size(tmp_path / "missing.png") == (0, 0)


def test_what_would_never_end_is_not_read(photo, tmp_path, monkeypatch):
    import os

    from facelib.data import photos

    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoError, match="not a regular file"):
        read_photo(tmp_path / "pipe.jpg")
    assert photo_size(tmp_path / "pipe.jpg") == (0, 0)
    Image.fromarray(photo).save(tmp_path / "large.png")
    monkeypatch.setattr(photos, "LARGEST", 1000)
    with pytest.raises(PhotoError, match="refused: a file of"):
        read_photo(tmp_path / "large.png")


def test_programs_are_not_run(photo, tmp_path):
    """Ghostscript would run what stands in an EPS file, whatever its name."""
    Image.fromarray(photo).save(tmp_path / "page.eps")
    (tmp_path / "page.eps").rename(tmp_path / "page.jpg")
    with pytest.raises(PhotoError, match="no image"):
        read_photo(tmp_path / "page.jpg")
    assert photo_size(tmp_path / "page.jpg") == (0, 0)


def test_sizes_are_those_of_the_upright_photo(photo, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photo[:100]).save(tmp_path / "a.jpg", exif=exif)
    assert photo_size(tmp_path / "a.jpg") == read_photo(tmp_path / "a.jpg")[0].shape[:2] == (160, 100)
