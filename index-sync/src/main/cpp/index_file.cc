#include "index_file.h"

#include <cstdint>
#include <cstring>
#include <fstream>

#include "failure.h"
#include "limits.h"

namespace shelfstream {
namespace {

constexpr int64_t kMaxRows = int64_t{1} << 40;

/// The file's bytes in order, with what is left of them.
class Cursor {
 public:
  explicit Cursor(const std::string& path) : path_(path), in_(path, std::ios::binary) {
    if (!in_) fail("it cannot be opened");
    in_.seekg(0, std::ios::end);
    const auto size = static_cast<int64_t>(in_.tellg());
    if (size < 0) fail("it is not a regular file");
    left_ = static_cast<uint64_t>(size);
    in_.seekg(0);
  }

  uint64_t left() const { return left_; }

  template <typename T>
  T read() {
    T value;
    if (left_ < sizeof value) fail("it ends too early");
    in_.read(reinterpret_cast<char*>(&value), sizeof value);
    if (!in_) fail("it cannot be read");
    left_ -= sizeof value;
    return value;
  }

  bool read_bool(const char* what) {
    // Any other byte in a C++ bool is undefined behaviour.
    const auto value = read<uint8_t>();
    expect(value <= 1, what, value);
    return value == 1;
  }

  void skip(uint64_t count, uint64_t bytes_each, const char* what) {
    if (count > left_ / bytes_each) {
      fail(std::string(what) + ": " + std::to_string(count) + " × " + std::to_string(bytes_each) +
           " bytes announced, " + std::to_string(left_) + " left");
    }
    left_ -= count * bytes_each;
    in_.seekg(static_cast<std::streamoff>(count * bytes_each), std::ios::cur);
  }

  /// A length-prefixed array; passes over its elements.
  uint64_t skip_array(uint64_t bytes_each, const char* what) {
    const auto count = read<uint64_t>();
    skip(count, bytes_each, what);
    return count;
  }

  template <typename T>
  void expect(bool good, const char* what, T found) const {
    if (!good) fail(std::string(what) + " is " + std::to_string(found));
  }

  void expect_equal(uint64_t found, uint64_t wanted, const char* what) const {
    if (found != wanted) {
      fail(std::string(what) + " is " + std::to_string(found) + ", expected " +
           std::to_string(wanted));
    }
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(Failure::kFile, "index file " + path_ + " is damaged or not an index: " + why +
                                    "; copy or build it again");
  }

  [[noreturn]] void unsupported(const std::string& what) const {
    throw Error(Failure::kUnsupported,
                "index file " + path_ + " holds " + what +
                    ", which is not supported: build it as Flat, HNSW32 or IVF with float vectors, or as " +
                    "BFlat, BHNSW32 or BIVF");
  }

 private:
  const std::string path_;
  std::ifstream in_;
  uint64_t left_ = 0;
};

std::string printable(uint32_t tag) {
  std::string text(reinterpret_cast<const char*>(&tag), 4);
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return "'" + text + "'";
}

bool is(uint32_t tag, const char* name) { return std::memcmp(&tag, name, 4) == 0; }

bool is_flat(uint32_t tag) { return is(tag, "IxFI") || is(tag, "IxF2") || is(tag, "IxFl"); }

struct Header {
  uint64_t dimension;
  uint64_t rows;
  bool trained;
  int32_t metric;
};

Header read_header(Cursor& file) {
  Header header{};
  const auto dimension = file.read<int32_t>();
  const auto rows = file.read<int64_t>();
  file.skip(2, 8, "header");
  header.trained = file.read_bool("trained flag");
  header.metric = file.read<int32_t>();
  file.expect(dimension >= 1 && dimension <= kMaxDimension, "dimension", dimension);
  file.expect(rows >= 0 && rows <= kMaxRows, "number of vectors", rows);
  file.expect(header.metric == 0 || header.metric == 1, "metric", header.metric);
  header.dimension = static_cast<uint64_t>(dimension);
  header.rows = static_cast<uint64_t>(rows);
  return header;
}

void expect_same(const Cursor& file, const Header& inner, const Header& outer) {
  file.expect_equal(inner.dimension, outer.dimension, "inner dimension");
  file.expect_equal(inner.rows, outer.rows, "inner number of vectors");
}

Header walk_flat(Cursor& file, uint32_t tag) {
  const Header header = read_header(file);
  if (!is(tag, "IxFl")) file.expect_equal(header.metric, is(tag, "IxFI") ? 0 : 1, "metric");
  const auto floats = file.read<uint64_t>();
  file.skip(floats, sizeof(float), "vectors");
  file.expect_equal(floats, header.rows * header.dimension, "number of values");
  return header;
}

/// Returns the bytes of one code.
uint64_t walk_scalar_quantizer(Cursor& file, const Header& header) {
  const auto type = file.read<int32_t>();
  const auto range = file.read<int32_t>();
  file.expect(range >= 0 && range <= 3, "range statistic", range);
  file.skip(1, sizeof(float), "range argument");
  file.expect_equal(file.read<uint64_t>(), header.dimension, "quantizer dimension");
  const auto code_size = file.read<uint64_t>();
  const auto trained = file.skip_array(sizeof(float), "quantizer ranges");
  // QT_8bit, QT_4bit, QT_fp16, QT_6bit of faiss/impl/ScalarQuantizer.h.
  uint64_t expected = 0;
  if (type == 0) {
    expected = header.dimension;
  } else if (type == 1) {
    expected = (header.dimension + 1) / 2;
  } else if (type == 4) {
    expected = header.dimension * 2;
  } else if (type == 6) {
    expected = (header.dimension * 6 + 7) / 8;
  } else {
    file.unsupported("scalar quantizer type " + std::to_string(type));
  }
  file.expect_equal(code_size, expected, "code size");
  file.expect_equal(trained, header.trained && type != 4 ? 2 * header.dimension : 0,
                    "number of quantizer ranges");
  return code_size;
}

Header walk_scalar(Cursor& file) {
  const Header header = read_header(file);
  const uint64_t code_size = walk_scalar_quantizer(file, header);
  file.expect_equal(file.skip_array(1, "codes"), header.rows * code_size, "bytes of codes");
  return header;
}

/// Returns the bytes of one code.
uint64_t walk_product_quantizer(Cursor& file, const Header& header) {
  file.expect_equal(file.read<uint64_t>(), header.dimension, "quantizer dimension");
  const auto parts = file.read<uint64_t>();
  file.expect(parts >= 1 && parts <= header.dimension && header.dimension % parts == 0,
              "number of quantizer parts", parts);
  file.expect_equal(file.read<uint64_t>(), 8, "bits of a quantizer part");
  file.expect_equal(file.skip_array(sizeof(float), "centroids"), 256 * header.dimension,
                    "number of centroid values");
  return parts;
}

Header walk_product(Cursor& file) {
  const Header header = read_header(file);
  const uint64_t code_size = walk_product_quantizer(file, header);
  file.expect_equal(file.skip_array(1, "codes"), header.rows * code_size, "bytes of codes");
  file.expect_equal(file.read<uint32_t>(), 0, "search type");
  file.read_bool("sign flag");
  file.skip(1, sizeof(int32_t), "polysemous threshold");
  return header;
}

void walk_links(Cursor& file, uint64_t rows) {
  const uint64_t levels = file.skip_array(sizeof(double), "level probabilities");
  file.expect(levels >= 1 && levels <= 64, "number of levels", levels);
  const auto bounds = file.read<uint64_t>();
  file.expect_equal(bounds, levels + 1, "number of link bounds");
  int32_t last = file.read<int32_t>();
  file.expect_equal(static_cast<uint64_t>(last), 0, "first link bound");
  for (uint64_t i = 1; i < bounds; i++) {
    const auto bound = file.read<int32_t>();
    const int64_t links = int64_t{bound} - last;
    file.expect(links >= kMinLinks && links <= 2 * kMaxLinks, "number of links", links);
    last = bound;
  }
  file.expect_equal(file.skip_array(sizeof(int32_t), "levels"), rows, "number of levels");
  file.expect_equal(file.skip_array(sizeof(uint64_t), "offsets"), rows + 1, "number of offsets");
  file.skip_array(sizeof(int32_t), "links");
  file.skip(2, sizeof(int32_t), "entry point");
  for (const char* name : {"efConstruction", "efSearch"}) {
    const auto value = file.read<int32_t>();
    file.expect(value >= 1 && value <= kMaxSearchParameter, name, value);
  }
  file.expect_equal(file.read<uint32_t>(), 1, "beam");
}

Header walk_graph(Cursor& file, uint32_t tag) {
  const Header header = read_header(file);
  walk_links(file, header.rows);
  const auto storage = file.read<uint32_t>();
  if (!(is(tag, "IHNf") ? is_flat(storage) : is(storage, "IxSQ"))) {
    file.fail("graph storage is " + printable(storage));
  }
  const Header inner = is_flat(storage) ? walk_flat(file, storage) : walk_scalar(file);
  expect_same(file, inner, header);
  file.expect_equal(inner.metric, header.metric, "metric of the graph's vectors");
  return header;
}

struct Lists {
  Header header;
  uint64_t count;
};

Lists walk_lists_header(Cursor& file) {
  Lists lists{};
  lists.header = read_header(file);
  lists.count = file.read<uint64_t>();
  file.expect(lists.count >= 1 && lists.count <= static_cast<uint64_t>(kMaxLists),
              "number of lists", lists.count);
  const auto probes = file.read<uint64_t>();
  file.expect(probes >= 1 && probes <= static_cast<uint64_t>(kMaxLists), "nprobe", probes);
  const auto tag = file.read<uint32_t>();
  if (!is_flat(tag) && !is(tag, "IHNf")) file.unsupported("list centres " + printable(tag));
  const Header quantizer = is_flat(tag) ? walk_flat(file, tag) : walk_graph(file, tag);
  file.expect_equal(quantizer.dimension, lists.header.dimension, "quantizer dimension");
  file.expect_equal(quantizer.rows, lists.header.trained ? lists.count : 0,
                    "number of list centres");
  const auto map = file.read<uint8_t>();
  if (map != 0) file.unsupported("a direct map of type " + std::to_string(map));
  file.expect_equal(file.read<uint64_t>(), 0, "size of the direct map");
  return lists;
}

void walk_lists(Cursor& file, const Lists& lists, uint64_t code_size) {
  const auto tag = file.read<uint32_t>();
  if (!is(tag, "ilar")) file.unsupported("inverted lists " + printable(tag));
  file.expect_equal(file.read<uint64_t>(), lists.count, "number of lists");
  file.expect_equal(file.read<uint64_t>(), code_size, "code size");
  const auto kind = file.read<uint32_t>();
  const bool sparse = is(kind, "sprs");
  if (!sparse && !is(kind, "full")) file.fail("list sizes are " + printable(kind));
  const auto numbers = file.read<uint64_t>();
  if (numbers > file.left() / sizeof(uint64_t)) file.fail("it ends within the list sizes");
  if (sparse) {
    file.expect(numbers % 2 == 0 && numbers / 2 <= lists.count, "number of sizes", numbers);
  } else {
    file.expect_equal(numbers, lists.count, "number of sizes");
  }
  uint64_t rows = 0;
  uint64_t next = 0;
  for (uint64_t i = 0; i < numbers; i += sparse ? 2 : 1) {
    if (sparse) {
      // Ascending, as Faiss writes them: a repeated list would count twice here and once there.
      const auto list = file.read<uint64_t>();
      file.expect(list >= next && list < lists.count, "list number", list);
      next = list + 1;
    }
    const auto size = file.read<uint64_t>();
    file.expect(size <= lists.header.rows - rows, "list size", size);
    rows += size;
  }
  file.expect_equal(rows, lists.header.rows, "vectors in all lists");
  file.skip(rows, code_size + sizeof(int64_t), "lists");
}

Header walk_inverted(Cursor& file, uint32_t tag) {
  const Lists lists = walk_lists_header(file);
  uint64_t code_size = lists.header.dimension * sizeof(float);
  if (is(tag, "IwSq")) {
    code_size = walk_scalar_quantizer(file, lists.header);
    file.expect_equal(file.read<uint64_t>(), code_size, "code size");
    file.read_bool("residual flag");
  } else if (is(tag, "IwPQ")) {
    file.read_bool("residual flag");
    const auto announced = file.read<uint64_t>();
    code_size = walk_product_quantizer(file, lists.header);
    file.expect_equal(announced, code_size, "code size");
  }
  walk_lists(file, lists, code_size);
  return lists.header;
}

Header walk_plain(Cursor& file, uint32_t tag) {
  if (is_flat(tag)) return walk_flat(file, tag);
  if (is(tag, "IxSQ")) return walk_scalar(file);
  if (is(tag, "IxPq")) return walk_product(file);
  if (is(tag, "IHNf") || is(tag, "IHNs")) return walk_graph(file, tag);
  if (is(tag, "IwFl") || is(tag, "IwSq") || is(tag, "IwPQ")) return walk_inverted(file, tag);
  if (printable(tag).find('?') != std::string::npos) {
    file.fail("it has " + printable(tag) + " where a type is expected");
  }
  file.unsupported("an index of type " + printable(tag));
}

void walk_index(Cursor& file) {
  const auto tag = file.read<uint32_t>();
  if (!is(tag, "IxMp") && !is(tag, "IxM2")) {
    walk_plain(file, tag);
    return;
  }
  const Header header = read_header(file);
  const Header inner = walk_plain(file, file.read<uint32_t>());
  expect_same(file, inner, header);
  file.expect_equal(inner.metric, header.metric, "inner metric");
  file.expect_equal(file.skip_array(sizeof(int64_t), "ids"), header.rows, "number of ids");
}

// ---- codes that are compared by Hamming distance ----

Header read_binary_header(Cursor& file) {
  Header header{};
  const auto bits = file.read<int32_t>();
  const auto code_size = file.read<int32_t>();
  const auto rows = file.read<int64_t>();
  header.trained = file.read_bool("trained flag");
  header.metric = file.read<int32_t>();
  file.expect(bits >= 8 && bits <= kMaxDimension && bits % 8 == 0, "number of bits", bits);
  file.expect_equal(static_cast<uint64_t>(code_size), static_cast<uint64_t>(bits / 8), "code size");
  file.expect(rows >= 0 && rows <= kMaxRows, "number of codes", rows);
  file.expect(header.metric == 0 || header.metric == 1, "metric", header.metric);
  header.dimension = static_cast<uint64_t>(bits);
  header.rows = static_cast<uint64_t>(rows);
  return header;
}

Header walk_binary_flat(Cursor& file) {
  const Header header = read_binary_header(file);
  const auto bytes = file.read<uint64_t>();
  file.skip(bytes, 1, "codes");
  file.expect_equal(bytes, header.rows * (header.dimension / 8), "bytes of codes");
  return header;
}

void expect_binary_flat(Cursor& file, const char* what) {
  const auto tag = file.read<uint32_t>();
  if (!is(tag, "IBxF")) file.unsupported(std::string(what) + " of type " + printable(tag));
}

Header walk_binary_graph(Cursor& file) {
  const Header header = read_binary_header(file);
  walk_links(file, header.rows);
  expect_binary_flat(file, "codes of a graph");
  expect_same(file, walk_binary_flat(file), header);
  return header;
}

Header walk_binary_lists(Cursor& file) {
  Lists lists{};
  lists.header = read_binary_header(file);
  lists.count = file.read<uint64_t>();
  file.expect(lists.count >= 1 && lists.count <= static_cast<uint64_t>(kMaxLists),
              "number of lists", lists.count);
  file.skip(1, sizeof(uint64_t), "nprobe");
  expect_binary_flat(file, "list centres");
  const Header centres = walk_binary_flat(file);
  file.expect_equal(centres.dimension, lists.header.dimension, "bits of a list centre");
  file.expect_equal(centres.rows, lists.header.trained ? lists.count : 0, "number of list centres");
  const auto map = file.read<uint8_t>();
  if (map != 0) file.unsupported("a direct map of type " + std::to_string(map));
  file.expect_equal(file.read<uint64_t>(), 0, "size of the direct map");
  walk_lists(file, lists, lists.header.dimension / 8);
  return lists.header;
}

Header walk_binary_plain(Cursor& file, uint32_t tag) {
  if (is(tag, "IBxF")) return walk_binary_flat(file);
  if (is(tag, "IBHf")) return walk_binary_graph(file);
  if (is(tag, "IBwF")) return walk_binary_lists(file);
  if (printable(tag).find('?') != std::string::npos) {
    file.fail("it has " + printable(tag) + " where a type is expected");
  }
  file.unsupported("a binary index of type " + printable(tag));
}

void walk_binary(Cursor& file) {
  const auto tag = file.read<uint32_t>();
  if (!is(tag, "IBMp") && !is(tag, "IBM2")) {
    walk_binary_plain(file, tag);
    return;
  }
  const Header header = read_binary_header(file);
  expect_same(file, walk_binary_plain(file, file.read<uint32_t>()), header);
  file.expect_equal(file.skip_array(sizeof(int64_t), "ids"), header.rows, "number of ids");
}

}  // namespace

void check_binary_file(const std::string& path) {
  Cursor file(path);
  walk_binary(file);
  if (file.left() > 0) file.fail(std::to_string(file.left()) + " bytes follow the index");
}

void check_file(const std::string& path) {
  Cursor file(path);
  walk_index(file);
  if (file.left() > 0) file.fail(std::to_string(file.left()) + " bytes follow the index");
}

}  // namespace shelfstream
