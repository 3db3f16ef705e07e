"""The local stack: an embedded AWS, a server that answers as API Gateway does, and the commands that start them.

Never packaged for Lambda.
"""
