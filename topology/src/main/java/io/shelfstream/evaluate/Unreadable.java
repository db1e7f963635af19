package io.shelfstream.evaluate;

import java.nio.file.Path;

/**
 * A photo that was left out.
 *
 * @param why what is wrong with it
 */
public record Unreadable(Path file, String why) {}
