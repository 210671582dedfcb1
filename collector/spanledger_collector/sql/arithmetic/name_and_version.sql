-- name_and_version: a name and its version as one text that no other pair has: an expression. `writer 2`; a name alone where it has no version.
-- parameters: name, version = columns. A name with a blank in it, or a quote at its beginning, stands in quotes (doubled inside), so
--   that `"a b"` is no `a b`.
if(position($(name), ' ') > 0 OR startsWith($(name), '"'), '"' || replaceAll($(name), '"', '""') || '"', $(name)) || if($(version) = '', '', ' ' || $(version))
