"""The demo, the tour, the recipes, and what each of them starts."""
