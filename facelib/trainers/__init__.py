"""What `python -m facelib.train` trains: a function a family, which saves weights and a card."""

from facelib.trainers.autoencoders import train_accordion, train_encoder, train_vae
from facelib.trainers.gans import train_gan
from facelib.trainers.judges import train_attributes, train_judge
from facelib.trainers.runs import Options, OutOfTime
from facelib.trainers.translation import train_cyclegan

__all__ = ["TRAINERS", "Options", "OutOfTime"]

TRAINERS = {
    "accordion": train_accordion,
    "autoencoder": train_accordion,
    "cdcgan": train_gan,
    "cdcgan-light": train_gan,
    "cyclegan": train_cyclegan,
    "dcgan": train_gan,
    "dcgan-light": train_gan,
    "dcgan-small": train_gan,
    "encoder": train_encoder,
    "finder": train_attributes,
    "judge": train_judge,
    "scorer": train_attributes,
    "vae": train_vae,
}
