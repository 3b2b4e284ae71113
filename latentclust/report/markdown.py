"""Markdown of reports."""


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table with the first column aligned left and the others right. Bars in cells are escaped."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (header, rule, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
