-- parts: the parts of the token buckets that may have a rate of their own, as columns of a SELECT; see arithmetic/price.sql.
-- Reads input_uncached_tokens, cache_read_tokens, output_tokens, reasoning_tokens and units of the row. units: tokens.

-- No part is larger than what the parts before it left of its bucket.
least(toUInt64(units['audio_input']), input_uncached_tokens) AS audio_input,
least(toUInt64(units['image_input']), input_uncached_tokens - audio_input) AS image_input,
least(toUInt64(units['video_input']), input_uncached_tokens - audio_input - image_input) AS video_input,
least(toUInt64(units['audio_cache_read']), cache_read_tokens) AS audio_cache,
least(toUInt64(units['image_cache_read']), cache_read_tokens - audio_cache) AS image_cache,
least(toUInt64(units['video_cache_read']), cache_read_tokens - audio_cache - image_cache) AS video_cache,
least(toUInt64(units['audio_output']), output_tokens) AS audio_output,
least(toUInt64(units['image_output']), output_tokens - audio_output) AS image_output,
least(toUInt64(units['video_output']), output_tokens - audio_output - image_output) AS video_output,
least(reasoning_tokens, output_tokens - audio_output - image_output - video_output) AS reasoning,
[
    'audio_input', 'image_input', 'video_input', 'audio_cache_read', 'image_cache_read', 'video_cache_read',
    'audio_output', 'image_output', 'video_output', 'reasoning'
] AS part_names,
[
    audio_input, image_input, video_input, audio_cache, image_cache, video_cache,
    audio_output, image_output, video_output, reasoning
] AS part_tokens
