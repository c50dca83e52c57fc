# Libraries that Debian packages, each an INTERFACE target named as its project names it; their headers are SYSTEM.
# libtorch and Arrow come from the wheels in HEARTH_DEPS and are in torch.cmake and arrow.cmake.

find_package(OpenSSL REQUIRED)

function(debian_library target)
  pkg_check_modules(${target} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE PkgConfig::${target})
endfunction()

debian_library(simdjson simdjson)
debian_library(curl libcurl)
debian_library(zlib zlib)
debian_library(sqlite3 sqlite3)
debian_library(pq libpq)
debian_library(git2 libgit2)
debian_library(argon2 libargon2)
debian_library(yaml-cpp yaml-cpp)
debian_library(onig oniguruma)
debian_library(lz4 liblz4)
debian_library(qrencode libqrencode)

# Boost.Asio and Beast are headers only.
add_library(boost_asio INTERFACE)
target_compile_definitions(boost_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)

# Markdown: the library ships no pkg-config entry for its extensions.
add_library(cmark-gfm INTERFACE)
target_link_libraries(cmark-gfm INTERFACE -lcmark-gfm-extensions -lcmark-gfm)  # a bare cmark-gfm would be this target
