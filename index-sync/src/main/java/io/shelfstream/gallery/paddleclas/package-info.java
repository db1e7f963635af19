/** Reads and writes the index folders of PaddleClas: {@code vector.index} and {@code id_map}. */
@NullMarked
package io.shelfstream.gallery.paddleclas;

import org.jspecify.annotations.NullMarked;
