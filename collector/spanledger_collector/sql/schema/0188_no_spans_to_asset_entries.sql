-- no_spans_to_asset_entries: entries come by spans_to_asset_books. While both were there an entry was taken out twice, and is one row.
DROP VIEW IF EXISTS spans_to_asset_entries;
