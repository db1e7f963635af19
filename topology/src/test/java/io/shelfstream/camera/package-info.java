/** Tests of the agent of a camera, and a camera for them. */
package io.shelfstream.camera;
