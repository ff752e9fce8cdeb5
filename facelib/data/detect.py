"""MTCNN (Zhang et al. 2016) on many photos at a time, with the boxes that it finds one at a time.

The `mtcnn` package brings the three networks; its own batches pad photos to one size, which moves the boxes and loses
faces: the padding shrinks with the photo and leaks into the first network at the edges. Here every photo is shrunk
alone and padded afterwards, and whatever would touch the padding is masked, so that what is found in a photo does not
depend on the photos beside it, but for rounding: it moves a box by a pixel now and then, and a confidence by some
thousandths.

1. The proposal network looks at every window of 12 pixels, in copies of the photo shrunk step by step.
2. The refinement network looks at the windows that are left, at 24 pixels, and throws most of them out.
3. The output network looks at 48 pixels and gives box, confidence, eyes, nose and corners of the mouth.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import keras
import numpy as np
import tensorflow as tf
from mtcnn.network.onet import ONet
from mtcnn.network.pnet import PNet
from mtcnn.network.rnet import RNet
from mtcnn.utils.bboxes import (
    adjust_bboxes,
    generate_bounding_box,
    limit_bboxes,
    parse_bbox,
    pick_matches,
    replace_confidence,
    resize_to_square,
    upscale_bboxes,
)
from mtcnn.utils.images import build_scale_pyramid
from mtcnn.utils.landmarks import adjust_landmarks
from scipy.sparse import csr_array

from facelib.data.mtcnn_weights import mtcnn_weights

# As in the mtcnn package, whose results these must be.
MIN_FACE, SHRINK = 20, 0.709
PROPOSAL, REFINEMENT, OUTPUT = 0.6, 0.7, 0.8
LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
# A pooling cell with this in it is never the largest; minus infinity would turn to NaN in the next convolution.
NEVER = -1e9
# Boxes that are compared with all others at a time.
ROWS = 64


class Detector:
    """Batched MTCNN. Call it with a list of uint8 RGB images of any sizes.

    Returns a list for each image, with a dict for each face: `box` (x, y, width, height) in whole pixels,
    `confidence` from 0.8 (the network's own threshold) to 1, and `keypoints`, five (x, y) by the names in `LANDMARKS`.

    Raises:
        RuntimeError: if Keras runs on another backend than TensorFlow.
    """

    def __init__(self):
        if (backend := keras.backend.backend()) != "tensorflow":
            raise RuntimeError(
                f"MTCNN runs on TensorFlow, Keras runs on {backend}: crop with KERAS_BACKEND=tensorflow."
            )

        def compiled(function, *shape):
            return tf.function(function, input_signature=[tf.TensorSpec(shape, tf.float32)])

        net, refine, output = PNet(), RNet(), ONet()
        for network, name in ((net, "pnet"), (refine, "rnet"), (output, "onet")):
            network.build()
            network.set_weights(mtcnn_weights(name))
        self._proposals = net
        self._first = compiled(lambda x: net.prelu1(net.conv1(x)), None, None, None, 3)
        self._rest = compiled(self._after_first, None, None, None, 10)
        self._refine = compiled(refine, None, 24, 24, 3)
        self._output = compiled(output, None, 48, 48, 3)

    def __call__(self, images: Sequence[np.ndarray]) -> list[list[dict]]:
        if not images:
            return []
        shapes = np.array([image.shape for image in images])
        height, width = shapes[:, :2].max(axis=0)
        # Zero is the grey that MTCNN takes for everything beyond the edge of a photo.
        batch = np.zeros((len(images), height, width, 3), np.float32)
        for row, image in zip(batch, images, strict=True):
            row[: image.shape[0], : image.shape[1]] = (image.astype(np.float32) - 127.5) / 128

        boxes = self._propose(batch, shapes)
        if len(boxes):
            offsets, scores = self._refine(patches(batch, shapes, boxes, 24))
            boxes = adjust_bboxes(replace_confidence(boxes, scores.numpy()), offsets.numpy())
            boxes = pick_matches(boxes, score_threshold=REFINEMENT)
            boxes = resize_to_square(suppress(boxes, 0.7))
        if len(boxes):
            offsets, landmarks, scores = self._output(patches(batch, shapes, boxes, 48))
            landmarks = adjust_landmarks(landmarks, boxes)
            boxes = adjust_bboxes(replace_confidence(boxes, scores.numpy()), offsets.numpy())
            boxes = pick_matches(np.concatenate([boxes, landmarks], axis=1), scores_column=5, score_threshold=OUTPUT)
            boxes = suppress(boxes, 0.7, of_smaller=True)
        if not len(boxes):
            return [[] for _ in images]
        boxes = limit_bboxes(boxes, images_shapes=shapes, limit_landmarks=False)
        return [[_face(box) for box in boxes[boxes[:, 0] == i]] for i in range(len(images))]

    def _propose(self, batch: np.ndarray, shapes: np.ndarray) -> np.ndarray:
        """Windows that may hold a face: rows of (image, left, top, right, bottom, confidence)."""
        levels = [len(build_scale_pyramid(w, h, min_face_size=MIN_FACE, scale_factor=SHRINK)) for h, w, _ in shapes]
        found = [np.empty((0, 6))]
        for level in range(max(levels)):
            scale = 12 / MIN_FACE * SHRINK**level
            rows = np.array([i for i, count in enumerate(levels) if count > level])
            sizes = (shapes[rows, :2] * scale).astype(int)
            shrunk = np.zeros((len(rows), *sizes.max(axis=0), 3), np.float32)
            for j, (i, size) in enumerate(zip(rows, sizes, strict=True)):
                shrunk[j, : size[0], : size[1]] = shrink(batch[i, : shapes[i, 0], : shapes[i, 1]], *size)
            # The first convolution takes two pixels off each photo; what lies beyond must not win the pooling.
            features = self._first(shrunk).numpy()
            features[~_inside(sizes - 2, features.shape)] = NEVER
            offsets, scores = (output.numpy() for output in self._rest(features))
            scores[~_inside(-(-(sizes - 2) // 2) - 4, scores.shape)] = 0
            boxes = generate_bounding_box(tf.constant(offsets), tf.constant(scores), PROPOSAL)
            boxes = upscale_bboxes(boxes, np.full(len(rows), scale))
            boxes[:, 0] = rows[boxes[:, 0].astype(int)]
            found.append(suppress(boxes, 0.5, sort=False))
        return resize_to_square(suppress(np.concatenate(found), 0.7))

    def _after_first(self, x):
        net = self._proposals
        x = net.prelu3(net.conv3(net.prelu2(net.conv2(net.maxpool1(x)))))
        return net.conv4_1(x), net.conv4_2(x)


def suppress(boxes: np.ndarray, threshold: float, *, of_smaller: bool = False, sort: bool = True) -> np.ndarray:
    """Drop every box that a surer one of the same image overlaps (non-maximum suppression).

    The mtcnn package compares all pairs at once: ten gigabytes for a photo of a crowd. Here some rows are compared at a
    time, with the same result.

    Args:
        boxes: rows of (image, left, top, right, bottom, confidence, ...), by falling confidence unless `sort`.
        threshold: of the overlap, intersection over union.
        of_smaller: intersection over the smaller of the two instead.
        sort: by confidence first.
    """
    if sort:
        boxes = boxes[np.argsort(boxes[:, 5])[::-1]]
    kept = [boxes[:0]]
    for image in np.unique(boxes[:, 0]):
        own = boxes[boxes[:, 0] == image]
        corners = own[:, 1:5]
        area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
        alone = np.ones(len(own), bool)
        for start in range(0, len(own), ROWS):
            rows = slice(start, start + ROWS)
            surer = corners[: start + ROWS]
            low = np.maximum(corners[rows, None, :2], surer[None, :, :2])
            high = np.minimum(corners[rows, None, 2:], surer[None, :, 2:])
            shared = np.clip(high - low, 0, None).prod(axis=2)
            if of_smaller:
                whole = np.minimum(area[rows, None], area[None, : start + ROWS])
            else:
                whole = area[rows, None] + area[None, : start + ROWS] - shared
            earlier = np.arange(len(surer))[None] < np.arange(len(own))[rows, None]
            alone[rows] = ~((shared / whole > threshold) & earlier).any(axis=1)
        kept.append(own[alone])
    return np.concatenate(kept)


def shrink(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Average the areas of `image` (h, w, 3) that fall into each of (height, width) pixels.

    >>> shrink(np.arange(8.0).reshape(2, 4, 1), 1, 2)[..., 0]
    array([[2.5, 4.5]])
    """
    tall, wide, channels = image.shape
    lower = _areas(tall, height) @ image.reshape(tall, wide * channels)
    turned = lower.reshape(height, wide, channels).transpose(1, 0, 2).reshape(wide, height * channels)
    return (_areas(wide, width) @ turned).reshape(width, height, channels).transpose(1, 0, 2)


@lru_cache(maxsize=4096)
def _areas(size: int, smaller: int) -> csr_array:
    """(smaller, size): how much each of `size` pixels gives to each of `smaller`; rows sum to one."""
    edges = np.arange(smaller + 1) * (size / smaller)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return csr_array((np.clip(overlap, 0, 1) * (smaller / size)).astype(np.float32))


def patches(batch: np.ndarray, shapes: np.ndarray, boxes: np.ndarray, size: int) -> tf.Tensor:
    """The boxes cut out of their photos, (len(boxes), size, size, 3)."""
    rows = boxes[:, 0].astype(int)
    alone = shapes[rows][:, [0, 1, 0, 1]]
    padded = np.array(batch.shape)[[1, 2, 1, 2]]
    # crop_and_resize wants shares of (side - 1), and mtcnn gives shares of the side: kept, of the photo's own side.
    shares = boxes[:, [2, 1, 4, 3]] / alone * (alone - 1) / (padded - 1)
    return tf.image.crop_and_resize(batch, shares, rows, (size, size))


def _inside(sizes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Which cells of (n, height, width, ...) lie within each photo's own (height, width)."""
    rows, columns = np.arange(shape[1])[None, :, None], np.arange(shape[2])[None, None, :]
    return (rows < sizes[:, 0, None, None]) & (columns < sizes[:, 1, None, None])


def _face(box: np.ndarray) -> dict:
    x, y, width, height = (int(value) for value in parse_bbox(box[:5], input_as_width_height=False))
    points = np.round(box[6:16].reshape(2, 5).T, 2).tolist()
    return {
        "box": [x, y, width, height],
        "confidence": float(box[5]),
        "keypoints": dict(zip(LANDMARKS, points, strict=True)),
    }
