"""The last row of the license dashboard: Advanced Security, servers, provisioning."""

from dashboards import alert_colors
from dashboards import queries as q
from dashboards.frame import Panels, runbooks
from dashboards.panels import bars, lines, stat
from dashboards.parts import COUNTED, COUNTED_FROM_ZERO, SHARED, Query

ACTIVE, INACTIVE = ("active", "active", "true"), ("active", "inactive", "false")
DAY = 86400
COMMITTERS = q.one("ghe_advanced_security_committers", "product")
COMMITTERS_BOUGHT = q.one("ghe_advanced_security_committers_purchased", "product")


def products() -> Panels:
    """The panels of this row."""
    none = "not bought, or no data"
    return [
        bars(
            "Committer licenses used",
            "Active committers of Advanced Security, Code Security and Secret Protection as a share of those bought. "
            "At 100% the product cannot be switched on for more repositories.",
            [Query(q.ratio(COMMITTERS, COMMITTERS_BOUGHT), "{{product}} ({{enterprise}})")],
            look=alert_colors.COMMITTERS,
            size=(9, 8),
            no_value="metered, or not bought",
            links=runbooks("GitHubAdvancedSecurityCommittersExhausted"),
        ),
        lines(
            "Active committers",
            "People who pushed to protected repositories in the last 90 days, each once. Jumps follow repositories "
            "for which the product was switched on.",
            [Query(COMMITTERS, "{{product}} ({{enterprise}})")],
            look=COUNTED_FROM_ZERO,
            no_value=none,
            size=(15, 8),
        ),
        stat(
            "Seats of GitHub Enterprise Servers",
            "Share of the seats of a server's own license in use. At 100% the server refuses new people.",
            q.ratio(q.one("ghe_server_license_seats_used"), q.one("ghe_server_license_seats")),
            look=SHARED,
            legend="{{enterprise}}",
            size=(8, 4),
            no_value="no server, or unlimited",
        ),
        stat(
            "Server license expires in",
            "Days until a server's license file expires. Upload the new file before that; afterwards nobody can push.",
            f"({q.one('ghe_server_license_expiry_timestamp_seconds')} - time()) / {DAY}",
            look=alert_colors.SERVER_LICENSE,
            legend="{{enterprise}}",
            size=(8, 4),
            no_value="no server configured",
            links=runbooks("GitHubServerLicenseExpiring"),
        ),
        stat(
            "Provisioned people (SCIM)",
            "People that the identity provider has created, by whether they are active. Only enterprises with managed "
            "users have them; inactive ones take no seat.",
            q.named(q.named(f"sum by (active) ({q.one('ghe_scim_users', 'active')})", *ACTIVE), *INACTIVE),
            look=COUNTED,
            legend="{{active}}",
            size=(8, 4),
            no_value="no managed users",
        ),
    ]
