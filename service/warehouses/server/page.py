"""The page of the simulated warehouse: its ledger, as one HTML document that needs nothing else.

The server writes the document and escapes every value. The script only replaces the content by
that of a newer document.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape

from service.orders import timestamps
from service.warehouses.ledger_entries import Delivery, Doubled, Extract, Parcel
from service.warehouses.server.callback_entries import CallbackExtract, CallbackResult
from service.warehouses.server.faults import Faults

ROWS = 50
"""The most rows of each table."""

STYLE = """
:root { color-scheme: light dark; --page: #f5f6f8; --surface: #fff; --line: #d9dee6; --text: #171b22; --muted: #556072;
  --good: #11713f; --bad: #fff; --bad-fill: #b3222b; --warn: #865000; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0e1116; --surface: #161a21; --line: #2a313c; --text: #e9edf3; --muted: #9da9ba; --good: #66d69b;
    --warn: #f1bd66; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 72rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; justify-content: space-between; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
.muted { color: var(--muted); }
.good { color: var(--good); font-weight: 600; }
.faults { color: var(--warn); font-weight: 600; }
.doubled { margin: 1rem 0; padding: 1rem 1.25rem; border-radius: 12px; background: var(--bad-fill); color: var(--bad); }
.doubled h2 { margin: 0; font-size: 1.6rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .75rem; margin: 1rem 0; }
dl div, .table { border: 1px solid var(--line); border-radius: 12px; background: var(--surface); }
dl div { padding: .6rem 1rem; }
dt { color: var(--muted); font-size: .9rem; }
dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.table { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .4rem 1rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
"""

SCRIPT = """
const note = document.querySelector("#note");
async function refresh() {
  try {
    const reply = await fetch("/", { cache: "no-store" });
    const newer = new DOMParser().parseFromString(await reply.text(), "text/html");
    const [here, there] = [document, newer].map((each) => each.querySelector("main"));
    if (here.innerHTML !== there.innerHTML) here.replaceWith(document.adoptNode(there));
    document.title = newer.title;
    note.textContent = "Refreshes every 2 seconds";
  } catch {
    note.textContent = "The warehouse does not answer";
  }
  setTimeout(refresh, 2000);
}
setTimeout(refresh, 2000);
"""


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src {_hash_source(STYLE)}",
        f"script-src {_hash_source(SCRIPT)}",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The page's Content-Security-Policy."""


def render(extract: Extract, faults: Faults, callbacks: CallbackExtract | None = None) -> str:
    """Write the page.

    Args:
        extract: the counts and the latest entries of the ledger.
        faults: the present faults.
        callbacks: the counts and the latest results of the callbacks; None if there are none.
    """
    title = (
        f"{_count(extract.doubled_orders, 'order')} shipped twice"
        if extract.doubled_orders
        else "No order shipped twice"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Simulated warehouse</title>
<style>{STYLE}</style>
<noscript><meta http-equiv="refresh" content="2"></noscript>
</head>
<body>
<header><h1>Simulated warehouse</h1>
<span class="muted" id="note" role="status">Refreshes every 2 seconds</span></header>
<main>
{_doubled(extract)}
{_faults(faults)}
{_counts(extract)}
{_table("Latest parcels", ("time", "order", "delivery", "parcel", "lines"), map(_parcel_row, extract.parcels))}
{_table("Latest deliveries", ("time", "delivery", "status", "due", "reason"), map(_delivery_row, extract.deliveries))}
{_callbacks(callbacks)}
</main>
<p class="muted">The ledger is in memory and ends with the process.</p>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _doubled(extract: Extract) -> str:
    if not extract.doubled_orders:
        return '<p class="good">No order shipped twice.</p>'
    lines = "".join(f"<li>{_describe_doubled(each)}</li>" for each in extract.doubled)
    more = "<p>There are more; the JSON of /ledger lists up to 1,000.</p>" if len(extract.doubled) == ROWS else ""
    heading = f"{_count(extract.doubled_orders, 'order')} shipped twice"
    return f'<section class="doubled" role="alert"><h2>{heading}</h2><ul>{lines}</ul>{more}</section>'


def _describe_doubled(doubled: Doubled) -> str:
    parcels = ", ".join(f"{parcel.key} / {parcel.shipment_id}" for parcel in doubled.parcels)
    return escape(
        f"{doubled.order_id}, line {doubled.line_id}: shipped {doubled.shipped} of {doubled.ordered} in {parcels}"
    )


def _faults(faults: Faults) -> str:
    shares = [f"{name} {share:.0%}" for name, share in faults.shares().items() if share]
    return f'<p class="faults">Faults: {escape(", ".join(shares))}</p>' if shares else ""


def _counts(extract: Extract) -> str:
    return _numbers(
        {
            "deliveries": sum(extract.counts.values()),
            **{str(state): count for state, count in extract.counts.items()},
            "parcels": extract.parcel_count,
        }
    )


def _callbacks(callbacks: CallbackExtract | None) -> str:
    if callbacks is None:
        return ""
    names = {name.replace("_", " "): count for name, count in callbacks.counts.items()}
    columns = ("time", "delivery", "type", "outcome", "answer", "tries")
    table = _table("Latest callbacks", columns, map(_callback_row, callbacks.latest))
    return f"<h2>Callbacks</h2>{_numbers({**names, 'pending': callbacks.pending})}{table}"


def _numbers(counts: Mapping[str, int]) -> str:
    return f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{count:,}</dd></div>' for name, count in counts.items())}</dl>"


def _parcel_row(parcel: Parcel) -> tuple[str, ...]:
    lines = ", ".join(f"{quantity} of line {line_id}" for line_id, quantity in parcel.lines.items())
    return timestamps.text(parcel.shipped_at), parcel.order_id, parcel.key, parcel.shipment_id, lines


def _delivery_row(delivery: Delivery) -> tuple[str, ...]:
    status = f"{delivery.status}, cancel asked" if delivery.cancel_asked else str(delivery.status)
    due = timestamps.text(delivery.due_at) if delivery.due_at else ""
    return timestamps.text(delivery.received_at), delivery.key, status, due, delivery.reason


def _callback_row(result: CallbackResult) -> tuple[str, ...]:
    event, outcome = result.event, result.outcome.replace("_", " ")
    return timestamps.text(result.ended_at), event.key, event.type, outcome, result.answer, str(result.tries)


def _table(heading: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    if not body:
        return f'<h2>{heading}</h2><p class="muted">None yet.</p>'
    return (
        f'<h2>{heading}</h2><div class="table" role="region" aria-label="{heading}" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
