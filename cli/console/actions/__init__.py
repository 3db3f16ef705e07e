"""Actions: commands that change a deployment, each with a form that says what it does and asks as the command does."""
