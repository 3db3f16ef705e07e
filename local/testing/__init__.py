"""`dev.py testing`: a broker with two providers for the tests of an app."""
