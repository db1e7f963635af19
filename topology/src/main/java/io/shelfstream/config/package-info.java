/**
 * The service's settings: one typed tree, read once at start. Every key, its default and its reason
 * are in {@code reference.properties}; each group's record holds the same defaults and the checks.
 */
@NullMarked
package io.shelfstream.config;

import org.jspecify.annotations.NullMarked;
