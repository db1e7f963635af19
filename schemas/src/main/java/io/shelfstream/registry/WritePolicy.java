package io.shelfstream.registry;

import java.time.Duration;

/**
 * Under which schema and id records are written, as the official serialisers' keys say.
 *
 * @param autoRegister {@code auto.register.schemas}; without it a schema must be there already
 * @param useLatest {@code use.latest.version}: write with the subject's newest schema
 * @param latestStrict {@code latest.compatibility.strict}: refuse a newest schema that cannot carry
 *     the record
 * @param latestTtl {@code latest.cache.ttl.sec}: how long the newest schema stays the newest;
 *     negative: for good
 * @param useSchemaId {@code use.schema.id}: write with this schema; negative: none
 */
record WritePolicy(
    boolean autoRegister,
    boolean useLatest,
    boolean latestStrict,
    Duration latestTtl,
    int useSchemaId,
    SubjectNames subjects) {

  static final WritePolicy DEFAULT =
      new WritePolicy(true, false, true, Duration.ofSeconds(-1), -1, SubjectNames.TOPIC);
}
