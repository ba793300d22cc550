{
  "variables": {
    "cxx_flags": ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-Wall", "-Wextra"],
    # Code that runs between clone and exec, or without libc: nothing may be emitted that needs a runtime.
    "bare_flags": ["-fno-stack-protector", "-fno-threadsafe-statics", "-fno-asynchronous-unwind-tables"]
  },
  "targets": [
    {
      "target_name": "castellan",
      "sources": ["<!@(node native/sources.cjs addon <(OS))"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      # Fixed: node-gyp would otherwise put in the version of the Node that builds.
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc!": ["-fexceptions", "-frtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["<@(cxx_flags)", "-fno-stack-protector"],
      "conditions": [
        ["OS=='linux'", {
          "dependencies": ["castellan_helper"],
          "actions": [
            {
              "action_name": "embed_helper",
              "inputs": ["<(PRODUCT_DIR)/castellan_helper", "native/embed.cjs"],
              "outputs": ["<(INTERMEDIATE_DIR)/helper_image.cc"],
              "action": ["node", "native/embed.cjs", "<(PRODUCT_DIR)/castellan_helper", "<(INTERMEDIATE_DIR)/helper_image.cc"],
              "process_outputs_as_sources": 1
            }
          ],
          "ldflags": ["-Wl,-z,now", "-Wl,-z,relro", "-static-libstdc++", "-static-libgcc"]
        }],
        ["OS=='mac'", {
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
            "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
            "GCC_ENABLE_CPP_RTTI": "NO",
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "MACOSX_DEPLOYMENT_TARGET": "11.0"
          }
        }],
        ["OS=='win'", {
          "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/std:c++20"], "ExceptionHandling": 0 } }
        }]
      ]
    }
  ],
  "conditions": [
    ["OS=='linux'", {
      "targets": [
        {
          "target_name": "castellan_helper",
          "type": "executable",
          "sources": ["<!@(node native/sources.cjs helper linux)"],
          "include_dirs": ["native"],
          "cflags!": ["-pthread", "-fPIC"],
          "cflags_cc!": ["-fexceptions", "-frtti", "-std=gnu++17", "-std=gnu++20"],
          "cflags_cc": ["<@(cxx_flags)", "<@(bare_flags)", "-Os", "-ffreestanding", "-fno-pie", "-fno-builtin"],
          "ldflags!": ["-pthread", "-rdynamic"],
          "ldflags": ["-static", "-nostdlib", "-no-pie", "-s", "-Wl,-z,noexecstack", "-Wl,--build-id=none"],
          "libraries!": ["-lpthread"]
        }
      ]
    }],
    ["OS=='mac'", {
      "targets": [
        {
          "target_name": "castellan-seatbelt",
          "type": "executable",
          "sources": ["<!@(node native/sources.cjs helper mac)"],
          "include_dirs": ["native"],
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
            "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
            "GCC_ENABLE_CPP_RTTI": "NO",
            "MACOSX_DEPLOYMENT_TARGET": "11.0"
          }
        }
      ]
    }]
  ]
}
