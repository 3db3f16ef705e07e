"""Every action of the console, by its slug."""

from cli.console.actions import apis, clients, deployment, providers, users

ACTIONS = {
    action.slug: action
    for action in (*clients.ACTIONS, *apis.ACTIONS, *providers.ACTIONS, *users.ACTIONS, *deployment.ACTIONS)
}
