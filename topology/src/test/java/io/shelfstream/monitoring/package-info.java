/** Tests of deploy/monitoring: alert rules, dashboard, and the page that explains them. */
@NullMarked
package io.shelfstream.monitoring;

import org.jspecify.annotations.NullMarked;
