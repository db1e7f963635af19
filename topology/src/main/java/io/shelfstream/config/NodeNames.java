package io.shelfstream.config;

/** Names of the nodes and stores of all topologies, as metrics, logs and changelogs show them. */
public final class NodeNames {
  public static final String FRAMES = "frames";
  public static final String RECOGNIZE = "recognize";

  /** The store of the frames that have no answer yet. */
  public static final String PENDING_FRAMES = "pending-frames";

  public static final String PUBLISH = "publish";
  public static final String RECOGNITIONS = "recognitions";
  public static final String RECOGNITIONS_JSON = "recognitions-json";
  public static final String OBSERVATIONS = "epcis-observations";
  public static final String FRAME_DEAD_LETTERS = "frame-dead-letters";
  public static final String GALLERY_UPDATES = "gallery-updates";
  public static final String EMBED = "embed";
  public static final String GALLERY_VECTORS = "gallery-vectors";
  public static final String GALLERY_STATUS = "gallery-status";
  public static final String GALLERY_DEAD_LETTERS = "gallery-dead-letters";
  public static final String APPLIED_VECTORS = "applied-vectors";
  public static final String APPLY_VECTORS = "apply-vectors";

  /** The global store whose processor fills the gallery. */
  public static final String VECTORS_STORE = "gallery-vectors-store";

  private NodeNames() {}
}
