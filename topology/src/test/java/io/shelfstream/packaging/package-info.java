/** What is installed: the chart, the Compose file, the image's settings, licences. */
@NullMarked
package io.shelfstream.packaging;

import org.jspecify.annotations.NullMarked;
