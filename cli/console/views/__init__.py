"""The pages of the console and the forms that they post, by path."""

from cli.console.actions.view import run_action, show_action
from cli.console.console import Routes
from cli.console.views import (
    apis,
    audit,
    clients,
    connections,
    health,
    jobs,
    keys,
    overview,
    providers,
    refusals,
    users,
)

PAGES: Routes = {
    "/": overview.show_overview,
    "/clients": clients.show_clients,
    "/clients/{client_id}": clients.show_client,
    "/apis": apis.show_apis,
    "/providers": providers.show_providers,
    "/providers/{provider_id}": providers.show_provider,
    "/providers/{provider_id}/check": providers.check_provider,
    "/users": users.show_search,
    "/users/{sub}": users.show_user,
    "/connections": connections.show_connections,
    "/connections/{connection_id}": connections.show_connection,
    "/refusals": refusals.show_refusals,
    "/refusals/{error_id}": refusals.show_refusal,
    "/reasons/{reason}": refusals.show_reason,
    "/jobs": jobs.show_jobs,
    "/keys": keys.show_keys,
    "/audit": audit.show_audit,
    "/audit/check": audit.check_audit,
    "/health": health.show_health,
    "/actions/{slug}": show_action,
}
FORMS: Routes = {
    "/users": users.find_user,
    "/refusals": refusals.find_refusal,
    "/actions/{slug}": run_action,
}
