"""`token-broker completion SHELL`: the script by which a shell completes the command."""
