from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=80)
    company = models.CharField(max_length=80, blank=True)
    email = models.EmailField(unique=True)
    city = models.CharField(max_length=60)
    since = models.DateField("customer since")
    newsletter = models.BooleanField(default=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        PAID = "paid", "Paid"
        SHIPPED = "shipped", "Shipped"
        DELIVERED = "delivered", "Delivered"
        CANCELED = "canceled", "Canceled"
        REFUNDED = "refunded", "Refunded"

    class Channel(models.TextChoices):
        WEB = "web", "Web shop"
        PHONE = "phone", "Phone"
        FAIR = "fair", "Trade fair"

    number = models.CharField(max_length=12, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    channel = models.CharField(max_length=5, choices=Channel.choices, default=Channel.WEB)
    placed = models.DateField()
    items = models.PositiveIntegerField(default=1)
    total = models.DecimalField("total (EUR)", max_digits=9, decimal_places=2)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("-placed", "-number")

    def __str__(self) -> str:
        return self.number
