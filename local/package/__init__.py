"""The deployment package, its template, alarms, dashboard, and locks."""
