"""The commands of `broker`, one file per noun."""
