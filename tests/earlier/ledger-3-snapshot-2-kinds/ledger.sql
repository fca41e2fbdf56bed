BEGIN TRANSACTION;
CREATE TABLE event (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        project INTEGER NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        at REAL NOT NULL,
        UNIQUE (project, key)
    ) STRICT;
INSERT INTO "event" VALUES(1,7,'label_config','label_config:2026-01-01T00:00:01.000000Z','{"label_config":"<View><Text name=\"text\" value=\"$text\"/><Choices name=\"label\" toName=\"text\"><Choice value=\"ham\"/><Choice value=\"spam\"/></Choices></View>","updated_at":"2026-01-01T00:00:01.000000Z"}',1.79528057051235246655e+09);
INSERT INTO "event" VALUES(2,7,'task','task:1:0','{"task":1,"data":{"text":"1"},"updated_at":""}',1.79528057055396270754e+09);
INSERT INTO "event" VALUES(3,7,'task','task:2:0','{"task":2,"data":{"text":"2"},"updated_at":""}',1.79528057055791497227e+09);
INSERT INTO "event" VALUES(4,7,'task','task:3:0','{"task":3,"data":{"text":"3"},"updated_at":""}',1.79528057056190037728e+09);
INSERT INTO "event" VALUES(5,7,'task','task:4:0','{"task":4,"data":{"text":"4"},"updated_at":""}',1.79528057056588935848e+09);
INSERT INTO "event" VALUES(6,7,'task','task:5:0','{"task":5,"data":{"text":"5"},"updated_at":""}',1.79528057056892609592e+09);
INSERT INTO "event" VALUES(7,7,'task','task:6:0','{"task":6,"data":{"text":"6"},"updated_at":""}',1.79528057057393813132e+09);
INSERT INTO "event" VALUES(8,7,'task','task:7:0','{"task":7,"data":{"text":"7"},"updated_at":""}',1.7952805705779452324e+09);
INSERT INTO "event" VALUES(9,7,'task','task:8:0','{"task":8,"data":{"text":"8"},"updated_at":""}',1.79528057058195042615e+09);
INSERT INTO "event" VALUES(10,7,'task','task:9:0','{"task":9,"data":{"text":"9"},"updated_at":""}',1.79528057058593463893e+09);
INSERT INTO "event" VALUES(11,7,'task','task:10:0','{"task":10,"data":{"text":"10"},"updated_at":""}',1.79528057058989143368e+09);
INSERT INTO "event" VALUES(12,7,'task','task:11:0','{"task":11,"data":{"text":"11"},"updated_at":""}',1.79528057059388923642e+09);
INSERT INTO "event" VALUES(13,7,'task','task:12:0','{"task":12,"data":{"text":"12"},"updated_at":""}',1.79528057059791612626e+09);
INSERT INTO "event" VALUES(14,7,'task','task:13:0','{"task":13,"data":{"text":"13"},"updated_at":""}',1.79528057060191774362e+09);
INSERT INTO "event" VALUES(15,7,'task','task:14:0','{"task":14,"data":{"text":"14"},"updated_at":""}',1.79528057060995507236e+09);
INSERT INTO "event" VALUES(16,7,'task','task:15:0','{"task":15,"data":{"text":"15"},"updated_at":""}',1.79528057061794447902e+09);
INSERT INTO "event" VALUES(17,7,'task','task:16:0','{"task":16,"data":{"text":"16"},"updated_at":""}',1795280570.62188);
INSERT INTO "event" VALUES(18,7,'task','task:17:0','{"task":17,"data":{"text":"17"},"updated_at":""}',1.79528057062990140917e+09);
INSERT INTO "event" VALUES(19,7,'task','task:18:0','{"task":18,"data":{"text":"18"},"updated_at":""}',1.79528057063796806338e+09);
INSERT INTO "event" VALUES(20,7,'task','task:19:0','{"task":19,"data":{"text":"19"},"updated_at":""}',1.79528057064598774907e+09);
INSERT INTO "event" VALUES(21,7,'task','task:20:0','{"task":20,"data":{"text":"20"},"updated_at":""}',1.79528057065403151516e+09);
INSERT INTO "event" VALUES(22,7,'task','task:21:0','{"task":21,"data":{"text":"21"},"updated_at":""}',1.79528057066196846964e+09);
INSERT INTO "event" VALUES(23,7,'task','task:22:0','{"task":22,"data":{"text":"22"},"updated_at":""}',1.79528057066921329495e+09);
INSERT INTO "event" VALUES(24,7,'task','task:23:0','{"task":23,"data":{"text":"23"},"updated_at":""}',1.79528057067800164226e+09);
INSERT INTO "event" VALUES(25,7,'task','task:24:0','{"task":24,"data":{"text":"24"},"updated_at":""}',1.79528057068597602838e+09);
INSERT INTO "event" VALUES(26,7,'task','task:25:0','{"task":25,"data":{"text":"25"},"updated_at":""}',1.79528057069398117064e+09);
INSERT INTO "event" VALUES(27,7,'task','task:26:0','{"task":26,"data":{"text":"26"},"updated_at":""}',1.79528057070202469829e+09);
INSERT INTO "event" VALUES(28,7,'task','task:27:0','{"task":27,"data":{"text":"27"},"updated_at":""}',1.7952805707099723816e+09);
INSERT INTO "event" VALUES(29,7,'task','task:28:0','{"task":28,"data":{"text":"28"},"updated_at":""}',1.79528057071930241582e+09);
INSERT INTO "event" VALUES(30,7,'task','task:29:0','{"task":29,"data":{"text":"29"},"updated_at":""}',1.79528057072596168523e+09);
INSERT INTO "event" VALUES(31,7,'task','task:30:0','{"task":30,"data":{"text":"30"},"updated_at":""}',1.79528057072995686528e+09);
INSERT INTO "event" VALUES(32,7,'task','task:31:0','{"task":31,"data":{"text":"31"},"updated_at":""}',1.79528057073394250869e+09);
INSERT INTO "event" VALUES(33,7,'task','task:32:0','{"task":32,"data":{"text":"32"},"updated_at":""}',1.7952805707379107475e+09);
INSERT INTO "event" VALUES(34,7,'task','task:33:0','{"task":33,"data":{"text":"33"},"updated_at":""}',1.79528057074192976946e+09);
INSERT INTO "event" VALUES(35,7,'task','task:34:0','{"task":34,"data":{"text":"34"},"updated_at":""}',1.7952805707459287643e+09);
INSERT INTO "event" VALUES(36,7,'task','task:35:0','{"task":35,"data":{"text":"35"},"updated_at":""}',1.79528057074992799754e+09);
INSERT INTO "event" VALUES(37,7,'task','task:36:0','{"task":36,"data":{"text":"36"},"updated_at":""}',1.79528057075391745574e+09);
INSERT INTO "event" VALUES(38,7,'task','task:37:0','{"task":37,"data":{"text":"37"},"updated_at":""}',1.79528057075792455668e+09);
INSERT INTO "event" VALUES(39,7,'task','task:38:0','{"task":38,"data":{"text":"38"},"updated_at":""}',1.79528057076192808149e+09);
INSERT INTO "event" VALUES(40,7,'task','task:39:0','{"task":39,"data":{"text":"39"},"updated_at":""}',1.79528057076592969893e+09);
INSERT INTO "event" VALUES(41,7,'task','task:40:0','{"task":40,"data":{"text":"40"},"updated_at":""}',1.79528057076940441129e+09);
INSERT INTO "event" VALUES(42,7,'task','task:41:0','{"task":41,"data":{"text":"41"},"updated_at":""}',1.7952805707739088536e+09);
INSERT INTO "event" VALUES(43,7,'task','task:42:0','{"task":42,"data":{"text":"42"},"updated_at":""}',1795280570.77794);
INSERT INTO "event" VALUES(44,7,'task','task:43:0','{"task":43,"data":{"text":"43"},"updated_at":""}',1.79528057078191614157e+09);
INSERT INTO "event" VALUES(45,7,'task','task:44:0','{"task":44,"data":{"text":"44"},"updated_at":""}',1.7952805707859363556e+09);
INSERT INTO "event" VALUES(46,7,'task','task:45:0','{"task":45,"data":{"text":"45"},"updated_at":""}',1.7952805707899069786e+09);
INSERT INTO "event" VALUES(47,7,'task','task:46:0','{"task":46,"data":{"text":"46"},"updated_at":""}',1.79528057079397296907e+09);
INSERT INTO "event" VALUES(48,7,'task','task:47:0','{"task":47,"data":{"text":"47"},"updated_at":""}',1.7952805707979340553e+09);
INSERT INTO "event" VALUES(49,7,'task','task:48:0','{"task":48,"data":{"text":"48"},"updated_at":""}',1.79528057080192375181e+09);
INSERT INTO "event" VALUES(50,7,'task','task:49:0','{"task":49,"data":{"text":"49"},"updated_at":""}',1.79528057080591058733e+09);
INSERT INTO "event" VALUES(51,7,'task','task:50:0','{"task":50,"data":{"text":"50"},"updated_at":""}',1.79528057080993342395e+09);
INSERT INTO "event" VALUES(52,7,'task','task:51:0','{"task":51,"data":{"text":"51"},"updated_at":""}',1.79528057081390953059e+09);
INSERT INTO "event" VALUES(53,7,'task','task:52:0','{"task":52,"data":{"text":"52"},"updated_at":""}',1.79528057081793069836e+09);
INSERT INTO "event" VALUES(54,7,'task','task:53:0','{"task":53,"data":{"text":"53"},"updated_at":""}',1.7952805708195157051e+09);
INSERT INTO "event" VALUES(55,7,'task','task:54:0','{"task":54,"data":{"text":"54"},"updated_at":""}',1.79528057082189488411e+09);
INSERT INTO "event" VALUES(56,7,'task','task:55:0','{"task":55,"data":{"text":"55"},"updated_at":""}',1.79528057082594180108e+09);
INSERT INTO "event" VALUES(57,7,'task','task:56:0','{"task":56,"data":{"text":"56"},"updated_at":""}',1.79528057082743477826e+09);
INSERT INTO "event" VALUES(58,7,'task','task:57:0','{"task":57,"data":{"text":"57"},"updated_at":""}',1.79528057082991337771e+09);
INSERT INTO "event" VALUES(59,7,'task','task:58:0','{"task":58,"data":{"text":"58"},"updated_at":""}',1795280570.83392);
INSERT INTO "event" VALUES(60,7,'task','task:59:0','{"task":59,"data":{"text":"59"},"updated_at":""}',1.79528057083790922162e+09);
INSERT INTO "event" VALUES(61,7,'task','task:60:0','{"task":60,"data":{"text":"60"},"updated_at":""}',1.79528057084194183354e+09);
INSERT INTO "event" VALUES(62,7,'task','task:61:0','{"task":61,"data":{"text":"61"},"updated_at":""}',1.79528057084591197972e+09);
INSERT INTO "event" VALUES(63,7,'task','task:62:0','{"task":62,"data":{"text":"62"},"updated_at":""}',1.79528057084991168974e+09);
INSERT INTO "event" VALUES(64,7,'task','task:63:0','{"task":63,"data":{"text":"63"},"updated_at":""}',1.79528057085394549367e+09);
INSERT INTO "event" VALUES(65,7,'task','task:64:0','{"task":64,"data":{"text":"64"},"updated_at":""}',1.79528057085791754726e+09);
INSERT INTO "event" VALUES(66,7,'task','task:65:0','{"task":65,"data":{"text":"65"},"updated_at":""}',1.79528057086192154882e+09);
INSERT INTO "event" VALUES(67,7,'task','task:66:0','{"task":66,"data":{"text":"66"},"updated_at":""}',1.79528057086592078206e+09);
INSERT INTO "event" VALUES(68,7,'task','task:67:0','{"task":67,"data":{"text":"67"},"updated_at":""}',1.79528057086964654923e+09);
INSERT INTO "event" VALUES(69,7,'task','task:68:0','{"task":68,"data":{"text":"68"},"updated_at":""}',1.79528057087355947499e+09);
INSERT INTO "event" VALUES(70,7,'task','task:69:0','{"task":69,"data":{"text":"69"},"updated_at":""}',1.79528057087790513034e+09);
INSERT INTO "event" VALUES(71,7,'task','task:70:0','{"task":70,"data":{"text":"70"},"updated_at":""}',1.79528057087999367712e+09);
INSERT INTO "event" VALUES(72,7,'task','task:71:0','{"task":71,"data":{"text":"71"},"updated_at":""}',1.79528057088189864159e+09);
INSERT INTO "event" VALUES(73,7,'task','task:72:0','{"task":72,"data":{"text":"72"},"updated_at":""}',1.79528057088424181945e+09);
INSERT INTO "event" VALUES(74,7,'task','task:73:0','{"task":73,"data":{"text":"73"},"updated_at":""}',1.79528057088966059686e+09);
INSERT INTO "event" VALUES(75,7,'task','task:74:0','{"task":74,"data":{"text":"74"},"updated_at":""}',1.79528057089465141295e+09);
INSERT INTO "event" VALUES(76,7,'task','task:75:0','{"task":75,"data":{"text":"75"},"updated_at":""}',1.79528057089790129665e+09);
INSERT INTO "event" VALUES(77,7,'task','task:76:0','{"task":76,"data":{"text":"76"},"updated_at":""}',1.79528057090193581576e+09);
INSERT INTO "event" VALUES(78,7,'task','task:77:0','{"task":77,"data":{"text":"77"},"updated_at":""}',1.79528057090591573719e+09);
INSERT INTO "event" VALUES(79,7,'task','task:78:0','{"task":78,"data":{"text":"78"},"updated_at":""}',1.7952805709099156857e+09);
INSERT INTO "event" VALUES(80,7,'task','task:79:0','{"task":79,"data":{"text":"79"},"updated_at":""}',1.7952805709139118195e+09);
INSERT INTO "event" VALUES(81,7,'task','task:80:0','{"task":80,"data":{"text":"80"},"updated_at":""}',1.79528057091791248323e+09);
INSERT INTO "event" VALUES(82,7,'task','task:81:0','{"task":81,"data":{"text":"81"},"updated_at":""}',1.7952805709197690487e+09);
INSERT INTO "event" VALUES(83,7,'task','task:82:0','{"task":82,"data":{"text":"82"},"updated_at":""}',1.79528057092085862158e+09);
INSERT INTO "event" VALUES(84,7,'task','task:83:0','{"task":83,"data":{"text":"83"},"updated_at":""}',1.79528057092317891115e+09);
INSERT INTO "event" VALUES(85,7,'task','task:84:0','{"task":84,"data":{"text":"84"},"updated_at":""}',1.79528057092592167854e+09);
INSERT INTO "event" VALUES(86,7,'task','task:85:0','{"task":85,"data":{"text":"85"},"updated_at":""}',1.79528057092821168895e+09);
INSERT INTO "event" VALUES(87,7,'task','task:86:0','{"task":86,"data":{"text":"86"},"updated_at":""}',1.79528057093390440946e+09);
INSERT INTO "event" VALUES(88,7,'task','task:87:0','{"task":87,"data":{"text":"87"},"updated_at":""}',1.79528057093788719175e+09);
INSERT INTO "event" VALUES(89,7,'task','task:88:0','{"task":88,"data":{"text":"88"},"updated_at":""}',1795280570.94189);
INSERT INTO "event" VALUES(90,7,'task','task:89:0','{"task":89,"data":{"text":"89"},"updated_at":""}',1.7952805709459116459e+09);
INSERT INTO "event" VALUES(91,7,'task','task:90:0','{"task":90,"data":{"text":"90"},"updated_at":""}',1.79528057094990015031e+09);
INSERT INTO "event" VALUES(92,7,'task','task:91:0','{"task":91,"data":{"text":"91"},"updated_at":""}',1.79528057095389842988e+09);
INSERT INTO "event" VALUES(93,7,'task','task:92:0','{"task":92,"data":{"text":"92"},"updated_at":""}',1.79528057095791411402e+09);
INSERT INTO "event" VALUES(94,7,'task','task:93:0','{"task":93,"data":{"text":"93"},"updated_at":""}',1.79528057096191549302e+09);
INSERT INTO "event" VALUES(95,7,'task','task:94:0','{"task":94,"data":{"text":"94"},"updated_at":""}',1.79528057096590638159e+09);
INSERT INTO "event" VALUES(96,7,'task','task:95:0','{"task":95,"data":{"text":"95"},"updated_at":""}',1.79528057096993899337e+09);
INSERT INTO "event" VALUES(97,7,'task','task:96:0','{"task":96,"data":{"text":"96"},"updated_at":""}',1.79528057097391676895e+09);
INSERT INTO "event" VALUES(98,7,'task','task:97:0','{"task":97,"data":{"text":"97"},"updated_at":""}',1.79528057097792577748e+09);
INSERT INTO "event" VALUES(99,7,'task','task:98:0','{"task":98,"data":{"text":"98"},"updated_at":""}',1.79528057098190045354e+09);
INSERT INTO "event" VALUES(100,7,'task','task:99:0','{"task":99,"data":{"text":"99"},"updated_at":""}',1.79528057098592782022e+09);
INSERT INTO "event" VALUES(101,7,'task','task:100:0','{"task":100,"data":{"text":"100"},"updated_at":""}',1.79528057098991370202e+09);
INSERT INTO "event" VALUES(102,7,'task','task:101:0','{"task":101,"data":{"text":"101"},"updated_at":""}',1.79528057099390792841e+09);
INSERT INTO "event" VALUES(103,7,'task','task:102:0','{"task":102,"data":{"text":"102"},"updated_at":""}',1.79528057099793481822e+09);
INSERT INTO "event" VALUES(104,7,'task','task:103:0','{"task":103,"data":{"text":"103"},"updated_at":""}',1.79528057100194263456e+09);
INSERT INTO "event" VALUES(105,7,'task','task:104:0','{"task":104,"data":{"text":"104"},"updated_at":""}',1.79528057100291633602e+09);
INSERT INTO "event" VALUES(106,7,'task','task:105:0','{"task":105,"data":{"text":"105"},"updated_at":""}',1.79528057100478696827e+09);
INSERT INTO "event" VALUES(107,7,'task','task:106:0','{"task":106,"data":{"text":"106"},"updated_at":""}',1.79528057100993585588e+09);
INSERT INTO "event" VALUES(108,7,'task','task:107:0','{"task":107,"data":{"text":"107"},"updated_at":""}',1.79528057101260304449e+09);
INSERT INTO "event" VALUES(109,7,'task','task:108:0','{"task":108,"data":{"text":"108"},"updated_at":""}',1.79528057101791596412e+09);
INSERT INTO "event" VALUES(110,7,'task','task:109:0','{"task":109,"data":{"text":"109"},"updated_at":""}',1.79528057102005910872e+09);
INSERT INTO "event" VALUES(111,7,'task','task:110:0','{"task":110,"data":{"text":"110"},"updated_at":""}',1.79528057102188515659e+09);
INSERT INTO "event" VALUES(112,7,'task','task:111:0','{"task":111,"data":{"text":"111"},"updated_at":""}',1.79528057102590799334e+09);
INSERT INTO "event" VALUES(113,7,'task','task:112:0','{"task":112,"data":{"text":"112"},"updated_at":""}',1.79528057102887868886e+09);
INSERT INTO "event" VALUES(114,7,'task','task:113:0','{"task":113,"data":{"text":"113"},"updated_at":""}',1.7952805710308461189e+09);
INSERT INTO "event" VALUES(115,7,'task','task:114:0','{"task":114,"data":{"text":"114"},"updated_at":""}',1.79528057103389739991e+09);
INSERT INTO "event" VALUES(116,7,'task','task:115:0','{"task":115,"data":{"text":"115"},"updated_at":""}',1.79528057103789424895e+09);
INSERT INTO "event" VALUES(117,7,'task','task:116:0','{"task":116,"data":{"text":"116"},"updated_at":""}',1.79528057104191136363e+09);
INSERT INTO "event" VALUES(118,7,'task','task:117:0','{"task":117,"data":{"text":"117"},"updated_at":""}',1.79528057104589152336e+09);
INSERT INTO "event" VALUES(119,7,'task','task:118:0','{"task":118,"data":{"text":"118"},"updated_at":""}',1.79528057104990887643e+09);
INSERT INTO "event" VALUES(120,7,'task','task:119:0','{"task":119,"data":{"text":"119"},"updated_at":""}',1.79528057105238103867e+09);
INSERT INTO "event" VALUES(121,7,'task','task:120:0','{"task":120,"data":{"text":"120"},"updated_at":""}',1.7952805710579102039e+09);
INSERT INTO "event" VALUES(122,7,'annotation','annotation:1102:2026-01-01T00:00:02.000000Z','{"annotation":1102,"task":102,"user":1,"updated_at":"2026-01-01T00:00:02.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["ham"]}}]}',1.79528057121034455298e+09);
INSERT INTO "event" VALUES(123,7,'annotation','annotation:1022:2026-01-01T00:00:03.000000Z','{"annotation":1022,"task":22,"user":1,"updated_at":"2026-01-01T00:00:03.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["spam"]}}]}',1.79528057123840332036e+09);
INSERT INTO "event" VALUES(124,7,'annotation','annotation:1030:2026-01-01T00:00:04.000000Z','{"annotation":1030,"task":30,"user":1,"updated_at":"2026-01-01T00:00:04.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["spam"]}}]}',1.79528057126450872422e+09);
INSERT INTO "event" VALUES(125,7,'annotation','annotation:1021:2026-01-01T00:00:05.000000Z','{"annotation":1021,"task":21,"user":1,"updated_at":"2026-01-01T00:00:05.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["ham"]}}]}',1.79528057129502916335e+09);
INSERT INTO "event" VALUES(126,7,'annotation','annotation:1049:2026-01-01T00:00:06.000000Z','{"annotation":1049,"task":49,"user":1,"updated_at":"2026-01-01T00:00:06.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["spam"]}}]}',1.79528057131671142576e+09);
INSERT INTO "event" VALUES(127,7,'annotation','annotation:1097:2026-01-01T00:00:07.000000Z','{"annotation":1097,"task":97,"user":1,"updated_at":"2026-01-01T00:00:07.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["spam"]}}]}',1.79528057134031772618e+09);
INSERT INTO "event" VALUES(128,7,'annotation','annotation:1056:2026-01-01T00:00:08.000000Z','{"annotation":1056,"task":56,"user":1,"updated_at":"2026-01-01T00:00:08.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["ham"]}}]}',1.79528057136630487438e+09);
INSERT INTO "event" VALUES(129,7,'annotation','annotation:1079:2026-01-01T00:00:09.000000Z','{"annotation":1079,"task":79,"user":1,"updated_at":"2026-01-01T00:00:09.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["ham"]}}]}',1.79528057139411926267e+09);
INSERT INTO "event" VALUES(130,7,'annotation','annotation:1078:2026-01-01T00:00:10.000000Z','{"annotation":1078,"task":78,"user":1,"updated_at":"2026-01-01T00:00:10.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["spam"]}}]}',1.79528057151007699966e+09);
INSERT INTO "event" VALUES(131,7,'annotation','annotation:1039:2026-01-01T00:00:11.000000Z','{"annotation":1039,"task":39,"user":1,"updated_at":"2026-01-01T00:00:11.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["ham"]}}]}',1.7952805716355085373e+09);
INSERT INTO "event" VALUES(132,7,'annotation','annotation:1023:2026-01-01T00:00:12.000000Z','{"annotation":1023,"task":23,"user":1,"updated_at":"2026-01-01T00:00:12.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["spam"]}}]}',1.79528057168286108973e+09);
INSERT INTO "event" VALUES(133,7,'annotation','annotation:1032:2026-01-01T00:00:13.000000Z','{"annotation":1032,"task":32,"user":1,"updated_at":"2026-01-01T00:00:13.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["spam"]}}]}',1.79528057170631623264e+09);
INSERT INTO "event" VALUES(134,7,'annotation','annotation:1040:2026-01-01T00:00:14.000000Z','{"annotation":1040,"task":40,"user":1,"updated_at":"2026-01-01T00:00:14.000000Z","cancelled":true,"result":[]}',1.79528057175432920458e+09);
INSERT INTO "event" VALUES(135,7,'annotation','annotation:1089:2026-01-01T00:00:15.000000Z','{"annotation":1089,"task":89,"user":1,"updated_at":"2026-01-01T00:00:15.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["ham"]}}]}',1.79528057175835633273e+09);
INSERT INTO "event" VALUES(136,7,'annotation_deleted','annotation_deleted:1089','{"annotation":1089}',1.79528057176195788386e+09);
INSERT INTO "event" VALUES(137,7,'task_deleted','task_deleted:34','{"task":34}',1.79528057176593828199e+09);
INSERT INTO "event" VALUES(138,7,'annotation','annotation:2018:2026-01-01T00:00:16.000000Z','{"annotation":2018,"task":18,"user":2,"updated_at":"2026-01-01T00:00:16.000000Z","cancelled":false,"result":[{"from_name":"label","to_name":"text","type":"choices","value":{"choices":["ham"]}}]}',1.79528057176996207232e+09);
INSERT INTO "event" VALUES(139,7,'pin','pin:1','{"task":118}',1.79528057177394676207e+09);
INSERT INTO "event" VALUES(140,7,'strategy','strategy:1','{"name":"margin","params":{},"by":"admin"}',1.79528057177610683445e+09);
CREATE TABLE learner (
        project INTEGER PRIMARY KEY,
        holder TEXT NOT NULL,
        expires REAL NOT NULL
    ) STRICT;
CREATE TABLE round (
        project INTEGER NOT NULL,
        number INTEGER NOT NULL,
        position INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        embedder TEXT NOT NULL,
        strategy TEXT NOT NULL,
        params TEXT NOT NULL,
        seed INTEGER NOT NULL,
        full INTEGER NOT NULL,
        at REAL NOT NULL,
        surrogate TEXT NOT NULL DEFAULT 'logistic@1',
        levers TEXT NOT NULL DEFAULT '{}',
        PRIMARY KEY (project, number)
    ) STRICT;
INSERT INTO "round" VALUES(7,1,121,120,'test@1','coreset-margin@1','{}',1,1,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,2,122,120,'test@1','coreset-margin@1','{}',2,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,3,123,120,'test@1','coreset-margin@1','{}',3,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,4,124,120,'test@1','coreset-margin@1','{}',4,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,5,125,120,'test@1','coreset-margin@1','{}',5,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,6,126,120,'test@1','coreset-margin@1','{}',6,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,7,127,120,'test@1','coreset-margin@1','{}',7,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,8,128,120,'test@1','coreset-margin@1','{}',8,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,9,129,120,'test@1','coreset-margin@1','{}',9,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,10,130,120,'test@1','coreset-margin@1','{}',10,1,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,11,131,120,'test@1','coreset-margin@1','{}',11,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,12,132,120,'test@1','coreset-margin@1','{}',12,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,13,133,120,'test@1','coreset-margin@1','{}',13,0,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
INSERT INTO "round" VALUES(7,14,140,120,'test@1','margin@1','{}',14,1,0.0,'logistic@1','{"audit": 0.0, "classes": {}, "explore": 0.0, "pre_annotation": "off", "second_opinions": 0.0, "slice_field": "", "slices": {}}');
CREATE INDEX event_of_project ON event (project);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('event',140);
COMMIT;
PRAGMA application_id = 1279481157;
PRAGMA user_version = 3;
