"""The same 48 customers and 137 orders every time."""

import random
from datetime import date, timedelta
from decimal import Decimal

from django.contrib.auth import get_user_model

from .models import Customer, Order

FIRST = (
    "Adela",
    "Bram",
    "Corin",
    "Dagny",
    "Edda",
    "Fenna",
    "Garrik",
    "Hedda",
    "Ivor",
    "Jorun",
    "Kaspar",
    "Liesl",
    "Maren",
    "Nils",
    "Oda",
    "Perrin",
)
LAST = ("Ashgrove", "Birkholm", "Castellane", "Dunmarsh", "Ellery", "Fairwen", "Gillam", "Hartvig", "Ilmarin")
CITIES = ("Northmoor", "Saltmere", "Veldhaven", "Karsted", "Lindqvist Bay", "Oakmere")
FIRMS = ("", "", "Birch & Quill", "Saltmere Books", "Fairwen Print", "Hartvig Archive", "Castellane Studio")
NOTES = ("", "", "", "Leave at the side door.", "Gift wrap, please.", "Invoice to head office.", "Fragile.")


def seed(username: str, password: str) -> None:
    get_user_model().objects.create_superuser(username, "office@example.com", password)
    rng = random.Random(1837)
    customers = [
        Customer(
            name=f"{FIRST[i % 16]} {LAST[(i * 5 + i // 9) % 9]}",
            company=rng.choice(FIRMS),
            email=f"{FIRST[i % 16].lower()}.{i + 101}@example.com",
            city=CITIES[rng.randrange(6)],
            since=date(2019, 1, 7) + timedelta(days=rng.randrange(1800)),
            newsletter=rng.random() < 0.4,
        )
        for i in range(48)
    ]
    Customer.objects.bulk_create(customers)
    weights = {"delivered": 54, "shipped": 27, "paid": 21, "pending": 18, "canceled": 11, "refunded": 6}
    statuses = [status for status, count in weights.items() for _ in range(count)]
    rng.shuffle(statuses)
    Order.objects.bulk_create(
        Order(
            number=f"NP-{20418 + i * 3}",
            customer=customers[rng.randrange(48)],
            status=status,
            channel=rng.choices(("web", "phone", "fair"), (7, 3, 1))[0],
            placed=date(2025, 1, 6) + timedelta(days=i * 2 + rng.randrange(2)),
            items=rng.randint(1, 14),
            total=Decimal(rng.randint(890, 98_750)) / 100,
            note=rng.choice(NOTES),
        )
        for i, status in enumerate(statuses)
    )
