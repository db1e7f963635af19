#pragma once

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "failure.h"

// A test framework of one page, so that the tests need nothing installed.

#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      throw std::logic_error(std::string(__FILE__) + ":" + std::to_string(__LINE__) +    \
                             ": " #condition);                                           \
    }                                                                                    \
  } while (false)

#define CHECK_FAILS(expected, statement)                                                 \
  do {                                                                                   \
    bool failed = false;                                                                 \
    try {                                                                                \
      statement;                                                                         \
    } catch (const shelfstream::Error& e) {                                              \
      failed = e.failure() == (expected);                                                \
      if (!failed) std::cerr << "other failure: " << e.what() << "\n";                   \
    }                                                                                    \
    if (!failed) {                                                                       \
      throw std::logic_error(std::string(__FILE__) + ":" + std::to_string(__LINE__) +    \
                             ": " #statement " did not fail with " #expected);           \
    }                                                                                    \
  } while (false)

class Tests {
 public:
  void add(std::string name, std::function<void()> body) {
    tests_.emplace_back(std::move(name), std::move(body));
  }

  int run() const {
    int failed = 0;
    for (const auto& [name, body] : tests_) {
      std::string problem;
      try {
        body();
      } catch (const std::exception& e) {
        problem = e.what();
      }
      std::cout << (problem.empty() ? "ok      " : "FAILED  ") << name
                << (problem.empty() ? "" : ": " + problem) << std::endl;
      failed += problem.empty() ? 0 : 1;
    }
    std::cout << tests_.size() - failed << " of " << tests_.size() << " passed" << std::endl;
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  std::vector<std::pair<std::string, std::function<void()>>> tests_;
};
