"""`make card`: draw a moderation card, a picture for which the embedded AWS's Rekognition returns chosen labels."""

import sys

from embedded_aws.rekognition.card import main

if __name__ == "__main__":
    sys.exit(main(command="make card", example="make card LABELS='Weapons:95,Alcohol Use:60' FILE=card.jpg"))
