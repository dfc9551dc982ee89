"""The four dashboards."""

from deploy.grafana import kafka, overview, quality, series

BOARDS = (overview.BOARD, quality.BOARD, series.BOARD, kafka.BOARD)
