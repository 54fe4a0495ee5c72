// wire/fields, wire/text_writer, wire/text_reader: a payload's description, decoded, written and read.
#include "wire/fields.hpp"

#include <array>
#include <climits>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "wire/text_reader.hpp"
#include "wire/text_writer.hpp"

namespace {

namespace wire = nsenterd::wire;
using wire::Json;

struct Inner {
  std::uint64_t dev = 0;
};

struct Outer {
  std::string text;
  std::string path;
  std::string bytes;
  bool flag = false;
  bool optional_flag = false;
  std::int8_t small = 0;
  std::int64_t number = 0;
  std::uint64_t natural = 0;
  std::int32_t limited = 0;
  std::int32_t decimal = 0;
  std::uint32_t id = 0;
  bool second = false;
  std::vector<std::string> paths;
  std::vector<std::uint64_t> numbers;
  std::array<std::uint32_t, 2> pair{};
  Inner inner;
  std::optional<Inner> optional_inner;
};

/// Its second field begins with the name of the first.
struct Alike {
  std::optional<Inner> optional;
  Inner inner;
};

struct Item {
  std::string target;
  Inner inner;
};

template <class Fields, wire::Describes<Inner> Payload>
void describe(Fields& fields, Payload& inner) {
  fields.integer("Dev", inner.dev);
}

template <class Fields, wire::Describes<Outer> Payload>
void describe(Fields& fields, Payload& outer) {
  fields.text("text", outer.text);
  fields.path("path", outer.path);
  fields.bytes("bytes", outer.bytes);
  fields.boolean("flag", outer.flag);
  fields.optional_boolean("Optional", outer.optional_flag);
  fields.integer("small", outer.small);
  fields.integer("number", outer.number);
  fields.integer("natural", outer.natural);
  fields.integer("limited", outer.limited, -2, 3);
  fields.decimal("decimal", outer.decimal);
  fields.decimal("id", outer.id);
  fields.word("word", outer.second, "one", "two");
  fields.list("paths", outer.paths);
  fields.list("numbers", outer.numbers);
  fields.array("pair", outer.pair);
  fields.padding("X__pad0", "0");
  fields.object("Fsys", outer.inner);
  fields.optional_object("OptionalFsys", outer.optional_inner);
}

template <class Fields, wire::Describes<Alike> Payload>
void describe(Fields& fields, Payload& alike) {
  fields.optional_object("Fsys", alike.optional);
  fields.object("FsysOther", alike.inner);
}

template <class Fields, wire::Describes<Item> Payload>
void describe(Fields& fields, Payload& item) {
  fields.path("target", item.target);
  fields.object("Fsys", item.inner);
}

Json good() {
  return Json::parse(R"({"text":"t","path":"/p","bytes":"Zm9v","flag":true,"Optional":true,"small":-128,
    "number":-9223372036854775808,"natural":18446744073709551615,"limited":3,"decimal":"-2147483648","id":"4294967295",
    "word":"two","paths":["/a","/b"],"numbers":[0,18446744073709551615],"pair":[4294967295,511],"X__pad0":0,"Fsys":{"Dev":18446744073709551615},
    "OptionalFsys":{"Dev":7}})");
}

/// The field that a value is refused for; "" for the value as a whole, "fine" if it is not refused.
template <class T>
std::string refused(const Json& value) {
  std::optional<std::string> bad_field;
  wire::Decoder decoder(value, bad_field);
  T decoded{};
  decoder.read(decoded);
  return bad_field.value_or("fine");
}

std::string with(const char* name, Json value) {
  Json changed = good();
  changed[name] = std::move(value);
  return refused<Outer>(changed);
}

template <class T>
std::string written(const T& value) {
  std::string text;
  wire::TextWriter writer(text);
  writer.read(value);
  return text;
}

/// Whether a text is read whole, as a T.
template <class T>
bool reads(const std::string& text, T& out) {
  wire::TextReader reader(text);
  reader.read(out);
  return reader.done();
}

template <class T>
bool reads(const std::string& text) {
  T value{};
  return reads(text, value);
}

}  // namespace

TEST_CASE("What is decoded is written to the same again") {
  std::optional<std::string> bad_field;
  const Json value = good();
  wire::Decoder decoder(value, bad_field);
  Outer outer;
  decoder.read(outer);
  REQUIRE_FALSE(bad_field);
  CHECK(outer.bytes == "foo");
  CHECK(outer.small == -128);
  CHECK(outer.number == std::numeric_limits<std::int64_t>::min());
  CHECK(outer.natural == std::numeric_limits<std::uint64_t>::max());
  CHECK(outer.decimal == std::numeric_limits<std::int32_t>::min());
  CHECK(outer.id == std::numeric_limits<std::uint32_t>::max());
  CHECK(outer.inner.dev == std::numeric_limits<std::uint64_t>::max());
  CHECK(Json::parse(written(outer)) == value);
}

TEST_CASE("Every field that is missing is named") {
  const Json whole = good();
  for (const auto& [name, value] : whole.items()) {
    Json changed = whole;
    changed.erase(name);
    CHECK(refused<Outer>(changed) == (name.starts_with("Optional") ? "fine" : name));
  }
}

TEST_CASE("Every field of the wrong type is named") {
  const Json wrong[] = {Json(nullptr), Json(true),    Json("x"),     Json(1000),
                        Json(1.5),     Json::array(), Json::object()};
  const Json whole = good();
  for (const auto& [name, right] : whole.items()) {
    for (const Json& value : wrong) {
      CAPTURE(name, value.dump());
      const bool fits = name == "X__pad0" || (value.is_string() && (name == "text" || name == "path")) ||
                        (value.is_boolean() && (name == "flag" || name == "Optional")) ||
                        (value.is_number_integer() && (name == "number" || name == "natural")) ||
                        (value.is_null() && (name == "bytes" || name == "paths" || name == "numbers" ||
                                             name == "OptionalFsys")) ||
                        (value.is_array() && (name == "paths" || name == "numbers"));
      const bool lacks_member = name.ends_with("Fsys") && value.is_object();
      const std::string expected = fits ? "fine" : lacks_member ? name + ".Dev" : name;
      CHECK(with(name.c_str(), value) == expected);
    }
  }
}

TEST_CASE("An object that may be left out is written if it is there, and read either way") {
  Outer outer;
  CHECK_FALSE(Json::parse(written(outer)).contains("OptionalFsys"));
  Outer back;
  back.optional_inner.emplace();
  REQUIRE(reads(written(Outer{}), outer));
  CHECK_FALSE(outer.optional_inner);
  back.optional_inner->dev = 7;
  REQUIRE(reads(written(back), outer));
  REQUIRE(outer.optional_inner);
  CHECK(outer.optional_inner->dev == 7);
  // Another name, or what is absent in words, is nothing that is written.
  std::string text = written(Outer{});
  text.pop_back();
  for (const char* more : {R"(,"OptionalFsys":null})", R"(,"Optional":{"Dev":7}})", R"(,"OptionalFsys":7})",
                           R"(,"OptionalFsys":{}})", R"("OptionalFsys":{"Dev":7}})"}) {
    CAPTURE(more);
    CHECK_FALSE(reads<Outer>(text + more));
  }
  for (const Alike& alike : {Alike{}, Alike{Inner{1}, Inner{2}}}) {
    Alike read_back;
    REQUIRE(reads(written(alike), read_back));
    CHECK(written(read_back) == written(alike));
  }
  // As decoded: null is the same as absent.
  Json null = good();
  null["OptionalFsys"] = nullptr;
  std::optional<std::string> bad_field;
  wire::Decoder decoder(null, bad_field);
  Outer decoded;
  decoder.read(decoded);
  CHECK_FALSE(bad_field);
  CHECK_FALSE(decoded.optional_inner);
}

TEST_CASE("Unknown fields are ignored") {
  CHECK(with("unknown", Json::object()) == "fine");
}

TEST_CASE("A payload that is no object is refused as a whole") {
  for (const char* text : {"null", "[]", "\"x\"", "1", "true"})
    CHECK(refused<Outer>(Json::parse(text)).empty());
}

TEST_CASE("Integers out of range are refused, without rounding or wrapping") {
  CHECK(with("small", 127) == "fine");
  CHECK(with("small", 128) == "small");
  CHECK(with("small", -129) == "small");
  CHECK(with("small", 256) == "small");
  CHECK(with("small", std::numeric_limits<std::uint64_t>::max()) == "small");
  CHECK(with("number", std::numeric_limits<std::int64_t>::max()) == "fine");
  CHECK(with("number", std::uint64_t{1} << 63U) == "number");
  CHECK(with("natural", -1) == "natural");
  CHECK(with("natural", 0) == "fine");
  CHECK(with("limited", -2) == "fine");
  CHECK(with("limited", -3) == "limited");
  CHECK(with("limited", 4) == "limited");
  for (const char* number : {"1.0", "1e2", "18446744073709551616", "-9223372036854775809", "-0.0"}) {
    CHECK(with("number", Json::parse(number)) == "number");
    CHECK(with("natural", Json::parse(number)) == "natural");
  }
}

TEST_CASE("Decimal strings are taken only as plain numbers") {
  for (const char* text : {"0", "7", "2147483647", "-1", "-2147483648"})
    CHECK(with("decimal", text) == "fine");
  for (const char* text :
       {"", " ", "+1", "-0", " 1", "1 ", "1\n", "0x1", "0b1", "1e3", "1.0", "--1", "-", "- 1", "1,000", "one",
        "2147483648", "-2147483649", "99999999999999999999999999"}) {
    CAPTURE(text);
    CHECK(with("decimal", text) == "decimal");
  }
  CHECK(with("decimal", 1) == "decimal");
  CHECK(with("id", "4294967295") == "fine");
  CHECK(with("id", "4294967296") == "id");
  CHECK(with("id", "-1") == "id");
  CHECK(with("id", "-0") == "id");
  CHECK(with("decimal", std::string("1\0", 2)) == "decimal");
}

TEST_CASE("Strings with a NUL are refused, and paths as long as PATH_MAX") {
  CHECK(with("text", std::string("a\0b", 3)) == "text");
  CHECK(with("path", std::string("/a\0b", 4)) == "path");
  CHECK(with("path", std::string("/a\0", 3)) == "path");
  CHECK(with("path", std::string(PATH_MAX - 1, 'a')) == "fine");
  CHECK(with("path", std::string(PATH_MAX, 'a')) == "path");
  CHECK(with("text", std::string(PATH_MAX, 'a')) == "fine");
  CHECK(with("path", "") == "fine");
}

TEST_CASE("Bytes are base64 or null") {
  CHECK(with("bytes", nullptr) == "fine");
  CHECK(with("bytes", "") == "fine");
  CHECK(with("bytes", "Zg") == "bytes");
  CHECK(with("bytes", "Zh==") == "bytes");
}

TEST_CASE("A bad field is named by its whole path") {
  CHECK(with("Fsys", Json::object()) == "Fsys.Dev");
  CHECK(with("Fsys", Json{{"Dev", -1}}) == "Fsys.Dev");
  using Items = std::vector<Item>;
  const Json item{{"target", "/t"}, {"Fsys", {{"Dev", 1}}}};
  CHECK(refused<Items>(Json::array({item, item})) == "fine");
  CHECK(refused<Items>(Json::array({item, Json::object()})) == "[1].target");
  CHECK(refused<Items>(Json::array({item, item, Json{{"target", "/t"}, {"Fsys", {{"Dev", "1"}}}}})) ==
        "[2].Fsys.Dev");
  CHECK(refused<Items>(Json::array({item, 5})) == "[1]");
  CHECK(refused<Items>(Json::object()).empty());
}

TEST_CASE("A list may be null, and an empty list is written as null") {
  CHECK(refused<std::vector<Item>>(nullptr) == "fine");
  CHECK(refused<std::vector<Item>>(Json::array()) == "fine");
  CHECK(written(std::vector<Item>{}) == "null");
  CHECK(written(std::vector<Item>{{"/a", {1}}, {"/b", {2}}}) ==
        R"([{"target":"/a","Fsys":{"Dev":1}},{"target":"/b","Fsys":{"Dev":2}}])");
}

TEST_CASE("An element of a list that is wrong is named") {
  CHECK(with("paths", {"/a", 1}) == "paths[1]");
  CHECK(with("paths", {std::string(PATH_MAX, 'a')}) == "paths[0]");
  CHECK(with("paths", {std::string("a\0b", 3)}) == "paths[0]");
  CHECK(with("numbers", {1, -1}) == "numbers[1]");
  CHECK(with("numbers", {1.0}) == "numbers[0]");
  CHECK(with("pair", {1, 4294967296U}) == "pair[1]");
  for (const Json& pair : {Json::array({1}), Json::array({1, 2, 3}), Json::array()})
    CHECK(with("pair", pair) == "pair");
  CHECK(with("word", "one") == "fine");
  CHECK(with("word", "") == "word");
  CHECK(with("word", "twoo") == "word");
}

TEST_CASE(
    "What is written is read again, and nothing that differs from it by a byte unless it says something "
    "else") {
  Outer outer;
  outer.text = "quote \" backslash \\ line\n \x01 \x7f é 𝄞";
  outer.bytes = std::string("\0\xff", 2);
  outer.number = -1;
  outer.decimal = -7;
  outer.paths = {"/a", ""};
  outer.numbers = {0, 7};
  outer.optional_inner = Inner{5};
  const std::string text = written(outer);
  CHECK(Json::parse(text)["text"] == outer.text);
  Outer back;
  REQUIRE(reads(text, back));
  CHECK(written(back) == text);
  int others = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    CHECK_FALSE(reads<Outer>(text.substr(0, i)));
    for (const char byte : std::string("\0 \"\\x09,]}-\xff", 12)) {
      std::string changed = text;
      changed[i] = byte;
      Outer other;
      if (byte == text[i] || !reads(changed, other)) continue;
      // A digit or a letter of a value became another.
      CHECK(Json::accept(changed));
      ++others;
    }
  }
  CHECK(others > 10);
  CHECK_FALSE(reads<Outer>(text + " "));
  CHECK_FALSE(reads<Outer>(" " + text));
}

TEST_CASE("What is read is strict about strings and numbers") {
  const auto item = [](const std::string& target, const std::string& dev) {
    return reads<Item>(R"({"target":)" + target + R"(,"Fsys":{"Dev":)" + dev + "}}");
  };
  CHECK(item(R"("/a")", "0"));
  CHECK(item(R"("\u001f\"\\")", "18446744073709551615"));
  for (const char* target : {"/a", "\"/a", "\"\t\"", "\"\xff\"", "\"\xc3\"", R"("\n")", R"("\u0000")",
                             R"("\u0041")", R"("\u001F")", R"("\u")", R"("\)", "null"}) {
    CAPTURE(target);
    CHECK_FALSE(item(target, "0"));
  }
  for (const char* dev :
       {"", "-1", "-0", "00", "01", "1.0", "1e2", "18446744073709551616", "\"1\"", " 1", "null"}) {
    CAPTURE(dev);
    CHECK_FALSE(item(R"("/a")", dev));
  }
  CHECK(reads<std::vector<Item>>("null"));
  for (const char* list : {"[]", "[", "{}", "[null]", R"([{"target":"/a","Fsys":{"Dev":1}},])"})
    CHECK_FALSE(reads<std::vector<Item>>(list));
}

TEST_CASE("Only the first bad field is remembered") {
  Json changed = good();
  changed["text"] = 1;
  changed.erase("number");
  changed["Fsys"] = nullptr;
  CHECK(refused<Outer>(changed) == "text");
}
