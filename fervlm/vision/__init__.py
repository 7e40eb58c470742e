"""Pictures in and drawings out: loading, the drawn face, time lines, marks on a photograph, the HTML page, PNG."""
