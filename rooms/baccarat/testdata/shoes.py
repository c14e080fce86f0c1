"""Makes shoes.json from docs/games/baccarat.md, with nothing of ours.

    python3 shoes.py > shoes.json
"""

import hashlib
import hmac
import json
import struct

# What banker does with 0 to 7 points, if player's third card counts 0 to 9: D draws, S stands.
BANKER = """
DDDDDDDDDD
DDDDDDDDDD
DDDDDDDDDD
DDDDDDDDSD
SSDDDDDDSS
SSSSDDDDSS
SSSSSSDDSS
SSSSSSSSSS
""".split()


def words(seed, label):
    block = 0
    while True:
        yield from struct.unpack(">8I", hmac.digest(seed, f"{label}:{block}".encode("ascii"), "sha256"))
        block += 1


def below(stream, n):
    for word in stream:
        if word < 2**32 - 2**32 % n:
            return word % n


def shuffled(seed, first):
    stream = words(seed, f"pitboss.baccarat.v1:{first}")
    cards = ["A23456789TJQK"[i % 13] + "cdhs"[i // 13 % 4] for i in range(416)]
    for i in range(415, 0, -1):
        j = below(stream, i + 1)
        cards[i], cards[j] = cards[j], cards[i]
    return cards, 416 - 14 - below(stream, 3)


def number(card):
    return "A23456789TJQK".index(card[0]) + 1


def points(cards):
    return sum(n for n in map(number, cards) if n < 10) % 10


def dealt(cards, place):
    """The hand that begins at that place, and the place after it."""
    take = iter(cards[place:])
    player, banker = [], []
    for _ in range(2):
        player.append(next(take))
        banker.append(next(take))
    if points(player) < 8 and points(banker) < 8:
        if points(player) < 6:
            player.append(next(take))
            if BANKER[points(banker)][points(player[2:])] == "D":
                banker.append(next(take))
        elif points(banker) < 6:
            banker.append(next(take))
    return player, banker, place + len(player) + len(banker)


def shoe(seed, first):
    cards, cut = shuffled(seed, first)
    count = min(number(cards[0]), 10)
    place, hands, rest = 1 + count, [], None
    while rest != 0:
        player, banker, after = dealt(cards, place)
        hands.append(" ".join(player) + " - " + " ".join(banker))
        if rest:
            rest -= 1
        elif place == cut:
            rest = 0
        elif place < cut < after:
            rest = 1
        place = after
    return {
        "seed": seed.hex(),
        "first": first,
        "cards": " ".join(cards),
        "cut": cut,
        "burned": count,
        "out": place,
        "hands": hands,
    }


def named(text):
    return hashlib.sha256(text.encode("ascii")).digest()


shoes = [shoe(bytes(32), 1), shoe(b"\xff" * 32, 1), shoe(bytes(range(32)), 17)]
shoes += [shoe(named(f"pitboss shoes: {n}"), n) for n in (1, 2, 3, 4, 5, 6, 10**6, 2**31, 2**53 - 100)]
# Found by a search over rounds: a word has to be thrown away.
shoes += [shoe(named("pitboss shoes: rejection"), n) for n in (403566, 465600)]
print("[\n" + ",\n".join(json.dumps(s) for s in shoes) + "\n]")
