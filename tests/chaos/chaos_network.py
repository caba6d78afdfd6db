# SPDX-License-Identifier: MPL-2.0
"""The storm outside of the host alone: network, name server and server fail, the host does not. Then
there is no excuse: whoever has logged in here before gets in with the right password, each time, and
whoever was asked for before is found."""
import sys

from chaos_faults import OUTSIDE
from chaos_host import row, rows_begin
from chaos_storm import Storm


class Network(Storm):
    strict = True

    def kinds(self):
        return sorted(OUTSIDE)

    def report(self, plan, counts):
        rows_begin("network")
        row("a login ends in time, and only with the right password", bad=len(self.wrong),
            attack="network: logins of who was here before, while server and network fail",
            cases=sum(n for key, n in counts.items() if key.split()[0] in ("login", "session")))
        return self.tell(plan)


if __name__ == "__main__":
    sys.exit(Network().run())
