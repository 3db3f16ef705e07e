"""The live view of `dev.py demo`: what the parts of the demo say to each other, as it is said. Never packaged.

`taps` listen at the demo's own servers, `recorder` keeps what they hear as it came, and only `details` and `brief` make
something to look at of it: there every secret is masked.
"""
