"""Which models of the Sweet Home 3D furniture libraries stand in rooms and on tables, and which split shows them.

Nothing here has hands; nothing is what hands hold in another split (see `everyday_objects.py`); no cars, houses, trees.
"""

from __future__ import annotations

from everyday_objects import BY, CC0, SCOPIA

# Split, place, library: names of models.
HOUSEHOLD: dict[tuple[str, str], dict[str, str]] = {
    ("train", "floor"): {
        CC0: """armchair bedsideTable2 bookcase desk doubleOven oakTable plasticChair silla2 radiator1
            shelves stool tableWithTablecloth technicalTable1 toiletsUnit verticalShelves whiteBoard
            cupboard armchair2 babyRockingBed chair couch antiqueChair bench drawersCabinet
            glassDoorCabinet lbDesk refrigerator designChair upperShelves sinkCabinet thonet pianoBench
            fireExtinguisher crate wheelbarrow foldingChair""",
        BY: """bedsideTable cafe_set_mota_chair cafe_set_mota_table childChair coffeeTable kitchenIsland
            kitchenDrawersCabinet kitchenUpperCabinet suit wardrobe washing_machine bookcase officeTable
            tvStand classSeat plaidChair workbench fotel""",
        SCOPIA: """armchair3 box_room chair3 clear_sofa saloon_table maceta office_box office_chair
            tubular_chair bathroom1 kids_shelves kids_desk_table metal_glass_table water_cooler broom
            curtain clothes-rack step-ladder-metal stroller shopping-basket clothes-horse puff
            round-table cardboard-box indoor-bike dressing-table""",
    },
    ("train", "surface"): {
        CC0: """desklamp knifeStandSwap speaker2 towel3 headphones littlePlant basketball dustbin bootie
            slippers oven flowerBox lockedLocker rock1""",
        BY: """arbolito backpack choppingBoard largePan microwave towel breadBox utensilsPot
            wirelessOfficePhone3 coffeePress lamp laptop bulldog""",
        SCOPIA: """bowl sushi_tray kitchen_tool1 kitchen_tool3 vase1 vase3 desk_lamp1 tv complements2
            little_lamp1 table_lamp apples bandeja coffee_machine com_bath2_esponja cup phone
            folded_clothes inkjet_and_scanner_printer mini_stereo sneakers shovel wood_logs cat squeezer
            wall-hanger bonsai-tree roasted-chicken video-projector robe casquette casque
            pantalon-shadows chaussette scie-egoine pelle bowlWithFruits candle cooker
            kitchenKnifeStandSet sandwichMaker spiceTower toaster basin""",
    },
    ("val", "floor"): {
        CC0: "chairWithCushion lowerCabinet sillaBlanca horse2",
        BY: "simpleDesk ella_chair_f kitchenChair kitchenLowerCabinet",
        SCOPIA: "chair4 table4 wooden_office_alder_table clothes-basket baby_high_chair",
    },
    ("val", "surface"): {
        CC0: "lamp2 led_tv handbag augalas",
        BY: "kitchenblender decorativePlant siameseCat",
        SCOPIA: """tray vase2 little_lamp2 sugar stereo_amplifier mocassin blouson chapeau
            meuleuse-electrique electronicScale small-oven paperTowelHolder""",
    },
    ("unseen", "floor"): {
        CC0: "osakaChair chair2 table stool2 modernArmchair radiator3",
        BY: "cafe_set_tonon_chair cafe_set_tonon_table armChair2 dresserWithDrawers chair3",
        SCOPIA: """armchair1 kitchen_stool desk_table bathroom_vanity step-ladder-wood
            open-cardboard-box dryer_machine changing-table rattanArmchair punching-ball""",
    },
    ("unseen", "surface"): {
        CC0: "JapaneseLantern speaker3 outdoorLamp chicken",
        BY: "surveillanceCamera kitchenScale",
        SCOPIA: """desk_lamp2 frame2 birthday_cake intercom woman_shoes rabbit wall-flat-tv
            short-shadows jupe pince-coupante bowlWithSalad deepFryerWithFrenchFries stoneGrillDevice
            dart_game skateboard ensemble-assiette-couteau-fourchette-cuillere-verre""",
    },
}
"""Names of models by split and place (what they stand on) and by library."""
