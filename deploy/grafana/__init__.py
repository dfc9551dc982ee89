"""Grafana's dashboards as code: one module a dashboard, `panels` for what they share."""
