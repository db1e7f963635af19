package io.shelfstream.gallery;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The photos of a gallery by galleryImageId; those of a snapshot come out of it when they are asked
 * for. Belongs to whoever holds the gallery's write lock.
 */
final class PhotosById {

  private final Map<String, Photo> photos = new HashMap<>();
  private @Nullable RestoredPhotos restored;

  int size() {
    return photos.size() + (restored == null ? 0 : restored.size());
  }

  @Nullable Photo get(String id) {
    Photo photo = photos.get(id);
    return photo == null ? taken(id) : photo;
  }

  void put(String id, Photo photo) {
    if (photos.put(id, photo) == null && restored != null) {
      Photo unused = restored.take(id);
    }
  }

  @Nullable Photo remove(String id) {
    Photo photo = photos.remove(id);
    return photo == null && restored != null ? restored.take(id) : photo;
  }

  /** All of a snapshot, of which the topic has yet to show each. */
  void restore(RestoredPhotos snapshot) {
    restored = snapshot;
  }

  /** The topic has shown a photo. */
  void confirm(String id) {
    Photo photo = photos.get(id);
    if (photo != null) {
      photo.confirm();
    } else if (restored != null) {
      boolean unused = restored.confirm(id);
    }
  }

  /** Ids of photos that the topic has not shown. */
  List<String> unconfirmed() {
    List<String> ids = new ArrayList<>(restored == null ? List.of() : restored.unconfirmed());
    photos.forEach(
        (id, photo) -> {
          if (!photo.isConfirmed()) {
            ids.add(id);
          }
        });
    return ids;
  }

  Collection<Photo> all() {
    if (restored != null) {
      restored.takeAll().forEach(photo -> photos.put(photo.entry().galleryImageId(), photo));
      restored = null;
    }
    return photos.values();
  }

  private @Nullable Photo taken(String id) {
    Photo photo = restored == null ? null : restored.take(id);
    if (photo != null) {
      photos.put(id, photo);
    }
    return photo;
  }
}
