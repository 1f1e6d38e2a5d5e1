"""Alert rules, their tests and runbooks, and the thresholds that they share with the dashboards."""
